"""`Archive`: everything one search tried, and the front that comes of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from compress.archive.dominance import pareto_mask
from compress.archive.plan import Plan
from compress.archive.record import Record, fidelity_order
from compress.core import LatencyConstraint, Precision, unknown_name


@dataclass(frozen=True)
class Archive:
    """What was tried, in the order of trials; the teacher apart.

    Attributes:
        settings: The resolved configuration of the run.
        environment: What it ran on (versions, processor), where recorded.
        plan: Of a run that trained nothing; None of a search.
        phases: Seconds that the search took beside its jobs, by phase; see `time_spent`.
        finetuned: Variants that were trained on after the search; they are on no front of it.
    """

    run_dir: Path
    teacher: Record
    records: tuple[Record, ...]
    constraint: LatencyConstraint
    settings: dict[str, Any] = field(default_factory=dict)
    environment: dict[str, Any] = field(default_factory=dict)
    plan: Plan | None = None
    phases: dict[str, Any] = field(default_factory=dict)
    finetuned: tuple[Record, ...] = ()

    def runs_in(self, record: Record) -> Precision:
        """What a variant is timed and exported in: its own precision, or that in which the target runs all."""
        everywhere = self.teacher.accuracy.precision if self.teacher.accuracy else "fp32"
        return everywhere if record.spec.precision == "fp32" else record.spec.precision

    @property
    def mixed(self) -> bool:
        """Whether variants of several precisions were tried."""
        return len({self.runs_in(record) for record in self.records}) > 1

    def candidates(self, fidelity: str) -> list[Record]:
        """Variants done at exactly `fidelity` that meet the bound."""
        return [
            record
            for record in self.records
            if record.status == "done"
            and record.ao is not None
            and record.fidelity == fidelity
            and self.constraint.met_by(record.latency)
        ]

    def front(self, fidelity: str = "full") -> list[Record]:
        """Variants on the Pareto front of latency (mean) and AO at one fidelity, fastest first; the teacher apart.

        A variant that the teacher dominates is off the front.
        """
        records = self.candidates(fidelity)
        rivals = [*records, self.teacher] if _has_point(self.teacher) else records
        mask = pareto_mask(_points(rivals), ("minimize", "maximize"))
        return sorted((r for r, keep in zip(records, mask, strict=False) if keep), key=_latency_ms)

    def front_table(self, fidelity: str | None = None) -> list[Record]:
        """The front with the teacher added as the last row, whether or not it meets the bound."""
        return [*self.front(fidelity or self.fidelity), self.teacher]

    @property
    def fidelity(self) -> str:
        """The highest fidelity at which a variant meets the bound; `full` where none does."""
        tried = sorted({record.fidelity for record in self.records}, key=fidelity_order, reverse=True)
        return next((fidelity for fidelity in tried if self.candidates(fidelity)), "full")

    @property
    def noise(self) -> float:
        """By how much latencies of the front and of the teacher may be off, as the machine was not steady; often 0."""
        return max(each.latency.noise if each.latency else 0.0 for each in self.front_table())

    def hypervolume(self, fidelity: str = "full", *, reference_ms: float | None = None) -> float:
        """Share of the box [0, `reference_ms`] × [0, 1] (latency, AO) that the front dominates, in [0, 1].

        The reference point is (`reference_ms`, AO 0); `reference_ms` is the bound, or the teacher's latency where
        nothing is bound. Compare two searches only under the same reference. The teacher does not count.
        """
        import moocore

        reference_ms = reference_ms or self.constraint.max_ms or _latency_ms(self.teacher)
        points = _points(self.front(fidelity))
        if not len(points):
            return 0.0
        losses = np.column_stack([points[:, 0] / reference_ms, 1 - points[:, 1]])
        return float(moocore.hypervolume(losses, ref=[1.0, 1.0]))

    def variant(self, name: str) -> Record:
        """The record of a variant, or of the teacher by `teacher`.

        Raises:
            UsageError: unknown variant, with close matches.
        """
        known = {record.variant: record for record in (*self.records, *self.finetuned, self.teacher)}
        if name not in known:
            raise unknown_name("variant", name, known)
        return known[name]


def _has_point(record: Record) -> bool:
    return record.ao is not None and record.latency is not None


def _latency_ms(record: Record) -> float:
    return record.latency.mean_ms if record.latency else float("inf")


def _points(records: list[Record]) -> np.ndarray:
    """(n, 2): mean latency in ms, AO, or the expected figure at fidelity `prior`."""
    rows = [(_latency_ms(r), r.ao or 0.0) for r in records]
    return np.array(rows, dtype=np.float64).reshape(-1, 2)
