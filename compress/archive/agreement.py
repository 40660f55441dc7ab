"""How far scores of a lower fidelity put students in the order that full training puts them in."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from compress.archive.record import Record, fidelity_order

_LEAST = 3
_RESAMPLES = 2000


@dataclass(frozen=True)
class Agreement:
    """Spearman's rank correlation of AO at two fidelities, over the students that have both.

    Attributes:
        students: How many those are; they are the ones that were promoted, so they differ by less than all do.
        low, high: The 95% interval by bootstrap over students.
    """

    fidelity: str
    students: int
    correlation: float
    low: float
    high: float

    def __str__(self) -> str:
        return (
            f"Scores at {self.fidelity} against full training: Spearman {self.correlation:.2f} "
            f"[{self.low:.2f}, {self.high:.2f}] over {self.students} students."
        )


def rank_agreement(records: Iterable[Record], fidelity: str) -> Agreement | None:
    """Of the scores at `fidelity` with those at `full`; None for fewer than three students, or where all are alike."""
    found = [{str(rung.get("fidelity")): rung.get("ao") for rung in record.rungs} for record in records]
    pairs = [(each.get(fidelity), each.get("full")) for each in found]
    points = np.array([pair for pair in pairs if None not in pair], dtype=np.float64).reshape(-1, 2)
    if len(points) < _LEAST or not np.isfinite(correlation := float(_spearman(points[None])[0])):
        return None
    draws = np.random.default_rng(0).integers(len(points), size=(_RESAMPLES, len(points)))
    # A resample of one student alone, or of equal ones, has no correlation and says nothing.
    low, high = np.nanquantile(_spearman(points[draws]), (0.025, 0.975))
    return Agreement(fidelity, len(points), correlation, float(low), float(high))


def scored_by_fidelity(records: Iterable[Record]) -> dict[str, int]:
    """How many students have an accuracy at each fidelity, the lowest first."""
    names = (str(rung.get("fidelity")) for record in records for rung in record.rungs if rung.get("ao") is not None)
    counts = Counter(names)
    return {name: counts[name] for name in sorted(counts, key=_order)}


def trust_sentences(records: Iterable[Record]) -> str:
    """How many students were scored at each fidelity, and how far each lower one can be trusted. Plain text."""
    found = list(records)
    counts = scored_by_fidelity(found)
    if len(counts) < 2:
        return ""
    parts = [f"{count} {'students ' if i == 0 else ''}at {name}" for i, (name, count) in enumerate(counts.items())]
    agreements = (rank_agreement(found, name) for name in counts if name != "full")
    return " ".join([f"Scored: {', '.join(parts)}.", *(str(each) for each in agreements if each)])


def _order(fidelity: str) -> float:
    """As `fidelity_order`; what an archive has no such name for comes last."""
    try:
        return fidelity_order(fidelity)
    except ValueError:
        return np.inf


def _spearman(points: np.ndarray) -> np.ndarray:
    """(R, n, 2) → (R,); NaN where one of both does not vary."""
    from scipy.stats import rankdata

    ranks = rankdata(points, axis=1)
    ranks = ranks - ranks.mean(1, keepdims=True)
    with np.errstate(invalid="ignore", divide="ignore"):
        found: np.ndarray = (ranks[..., 0] * ranks[..., 1]).sum(1) / np.sqrt((ranks**2).sum(1).prod(1))
    return found
