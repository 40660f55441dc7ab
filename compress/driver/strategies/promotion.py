"""Which students go on to the next rung: by non-dominated rank, and within a rank spread over latency."""

from __future__ import annotations

from collections.abc import Callable, Hashable

import numpy as np
from numpy.typing import NDArray

from compress.archive import Record, nondominated_rank

_Kind = Callable[[Record], Hashable]


def promoted(records: list[Record], count: int, over_ms: Callable[[Record], float], *, fidelity: str = "") -> list[int]:
    """Indices of the `count` records that go on, the most wanted first.

    By non-dominated rank on latency and AO, not by a weighted sum, so that a fast and a precise student need not be
    compared. Of each rank the most accurate is first, unless some are taken; then the one whose latency is the
    farthest, by ratio, from all that are. Those over the bound, as adaptive ones may turn out to be, come last, the
    nearest first (Deb's constrained domination). Where two or more go on, the best adaptive and the best static one are
    among them: routing is what is trained last, so that a lower rung does not show what it will be worth. So are, where
    there is room, the best of each precision, as what it costs shows at the last rung alone.

    Args:
        over_ms: By how much a record misses the bound.
        fidelity: Whose AO counts, where records may have come further already; by default the latest.
    """
    if not records or count < 1:
        return []
    ms = np.array([_ms(record) for record in records])
    ao = np.array([ao_at(record, fidelity) for record in records])
    over = np.array([max(0.0, over_ms(record)) for record in records])
    rank = nondominated_rank(np.column_stack([ms, ao]), ("minimize", "maximize"))
    groups = np.lexsort((-ao, rank, over))  # the order without any spread
    kinds: list[_Kind] = [lambda record: record.spec.adaptive, lambda record: record.spec.precision]
    first = [i for kind in kinds for i in _best_of_each(records, groups, over, kind)] if count > 1 else []
    return _spread(np.log(ms), ao, np.column_stack([over, rank]), first, count)


def ao_at(record: Record, fidelity: str = "") -> float:
    """AO of a record at a fidelity; its latest one where none is named, or it has no such score."""
    found = [rung.get("ao") for rung in record.rungs if fidelity and rung.get("fidelity") == fidelity]
    return float(found[-1]) if found and found[-1] is not None else record.ao or 0.0


def _best_of_each(records: list[Record], order: NDArray[np.int64], over: NDArray[np.float64], kind: _Kind) -> list[int]:
    """The first of each kind that is within the bound, where there are several; adaptive ones before static ones."""
    found: dict[Hashable, int] = {}
    for i in order:
        if not over[i]:
            found.setdefault(kind(records[i]), int(i))
    return [found[each] for each in sorted(found, key=str, reverse=True)] if len(found) > 1 else []


def _spread(
    place: NDArray[np.float64], ao: NDArray[np.float64], groups: NDArray[np.float64], first: list[int], count: int
) -> list[int]:
    """`first`, then group after group, lowest first, whoever lies the farthest from all that are taken."""
    taken: list[int] = []
    away = np.full(len(place), np.inf)

    def take(i: int) -> None:
        taken.append(i)
        np.minimum(away, np.abs(place - place[i]), out=away)

    for i in dict.fromkeys(first):
        take(i)
    for group in np.unique(groups, axis=0):
        rest = [int(i) for i in np.flatnonzero((groups == group).all(axis=1)) if i not in taken]
        while rest and len(taken) < count:
            take(max(rest, key=lambda i: (round(float(away[i]), 9), ao[i])))
            rest.remove(taken[-1])
    return taken[:count]


def _ms(record: Record) -> float:
    assert record.predicted is not None
    return record.predicted.mean_ms
