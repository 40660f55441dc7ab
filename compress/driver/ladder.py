"""Successive halving: all of a generation at rung 0, the better half at each next rung."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from time import perf_counter
from typing import Any, Protocol

import numpy as np
from optuna.trial import Trial

from compress.archive import Record, nondominated_rank, store_record
from compress.core import Accuracy, TrackerSpec

Member = tuple[Trial, Record]


class Scorer(Protocol):
    def score(self, spec: TrackerSpec, rung: int) -> Accuracy: ...


def promoted(records: list[Record], count: int) -> list[int]:
    """Indices of the `count` records that go on: by non-dominated rank on latency and AO, then by AO.

    Ranks, not a weighted sum, so that a fast and a precise student need not be compared.
    """
    points = np.array([_point(record) for record in records])
    rank = nondominated_rank(points, ("minimize", "maximize"))
    order = sorted(range(len(records)), key=lambda i: (int(rank[i]), -points[i, 1]))
    return sorted(order[:count])


def climb(
    members: list[Member],
    scorer: Scorer,
    fidelities: list[str],
    *,
    steps: list[int],
    tell: Callable[[Trial, Record], None],
    done: Callable[[Record], None],
) -> list[Record]:
    """Take a generation up the rungs; each trial is told once, when it goes no further.

    Args:
        tell: Told with a trial and its last record.
        done: Called after each scored rung.
    """
    finished: list[Record] = []
    for rung, fidelity in enumerate(fidelities):
        scored: list[Member] = []
        for trial, record in members:
            record = _scored(record, scorer, rung, fidelity, steps[rung])
            store_record(trial, record)
            done(record)
            scored.append((trial, record))
        last = rung + 1 == len(fidelities)
        chosen = [] if last else promoted([r for _, r in scored], (len(scored) + 1) // 2)
        for i, (trial, record) in enumerate(scored):
            if i not in chosen:
                final = replace(record, status="done")
                tell(trial, final)
                finished.append(final)
        members = [scored[i] for i in chosen]
    return finished


def _scored(record: Record, scorer: Scorer, rung: int, fidelity: str, steps: int) -> Record:
    if any(past["fidelity"] == fidelity for past in record.rungs):
        return record  # a continued run scored it before it was stopped
    begin = perf_counter()
    accuracy = scorer.score(record.spec, rung)
    entry: dict[str, Any] = {
        "fidelity": fidelity,
        "ao": accuracy.ao,
        "ao_seq": accuracy.ao_seq,
        "steps": steps,
        "seconds": round(perf_counter() - begin, 2),
    }
    return replace(record, accuracy=accuracy, fidelity=fidelity, rungs=(*record.rungs, entry))


def _point(record: Record) -> tuple[float, float]:
    assert record.predicted is not None
    assert record.accuracy is not None
    return record.predicted.mean_ms, record.accuracy.ao
