"""Successive halving: all of a generation at rung 0, the better half at each next rung."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from time import perf_counter
from typing import Any, Protocol

import numpy as np
from optuna.trial import Trial

from compress.archive import Record, nondominated_rank, store_record
from compress.core import TrackerSpec, mean_layers
from compress.driver.exit_thresholds.selection import Milliseconds
from compress.driver.latency_constraint import Gauge
from compress.driver.scores import Score

Member = tuple[Trial, Record]


class Scorer(Protocol):
    def score(self, spec: TrackerSpec, rung: int) -> Score: ...

    def thresholds(self, spec: TrackerSpec, rung: int, ms: Milliseconds, max_ms: float) -> TrackerSpec: ...


def promoted(records: list[Record], count: int, over_ms: Callable[[Record], float]) -> list[int]:
    """Indices of the `count` records that go on: by non-dominated rank on latency and AO, then by AO.

    Ranks, not a weighted sum, so that a fast and a precise student need not be compared. Those over the bound, as
    adaptive ones may turn out to be, come last, the nearest first (Deb's constrained domination). Where two or more
    go on, the best adaptive and the best static one are among them: decisions are what is trained last, so that a
    lower rung does not tell what they will be worth.
    """
    points = np.array([_point(record) for record in records])
    rank = nondominated_rank(points, ("minimize", "maximize"))
    over = [max(0.0, over_ms(record)) for record in records]
    order = sorted(range(len(records)), key=lambda i: (over[i], int(rank[i]), -points[i, 1]))
    kinds = [
        next((i for i in order if records[i].spec.adaptive == kind and not over[i]), None) for kind in (True, False)
    ]
    first = [i for i in kinds if i is not None] if count > 1 else []
    return sorted(sorted(order, key=lambda i: i not in first)[:count])


def run_generation(
    members: list[Member],
    scorer: Scorer,
    fidelities: list[str],
    *,
    steps: list[int],
    gauge: Gauge,
    tell: Callable[[Trial, Record, float], None],
    done: Callable[[Record], None],
) -> list[Record]:
    """Take a generation up the rungs; each trial is told once, when it goes no further.

    Args:
        steps: Distillation steps up to each rung.
        gauge: Predicts latency again once an adaptive student has shown which ways it takes.
        tell: Told with a trial, its last record, and by how many ms that misses the bound.
        done: Called after each scored rung.
    """
    finished: list[Record] = []
    for rung, fidelity in enumerate(fidelities):
        scored: list[Member] = []
        for trial, record in members:
            record = _scored(record, scorer, gauge, rung, fidelity, steps[rung])
            store_record(trial, record)
            done(record)
            scored.append((trial, record))
        last = rung + 1 == len(fidelities)
        chosen = [] if last else promoted([r for _, r in scored], (len(scored) + 1) // 2, gauge.over_ms)
        for i, (trial, record) in enumerate(scored):
            if i not in chosen:
                final = _final(record, gauge)
                tell(trial, final, gauge.over_ms(final))
                finished.append(final)
        members = [scored[i] for i in chosen]
    return finished


def _final(record: Record, gauge: Gauge) -> Record:
    """An adaptive student's own ways may be over a bound that its best were within."""
    assert record.predicted is not None
    verdict = gauge.verdict(record)
    return replace(record, status="done", reason="" if verdict.passes else verdict.reason)


def _scored(record: Record, scorer: Scorer, gauge: Gauge, rung: int, fidelity: str, steps: int) -> Record:
    if any(past["fidelity"] == fidelity for past in record.rungs):
        return record  # a continued run scored it before it was stopped
    begin = perf_counter()
    if steps and len(record.spec.exits) > 1 and gauge.aim_ms is not None:
        ms = partial(gauge.path_ms, record.spec)
        record = replace(record, spec=scorer.thresholds(record.spec, rung, ms, gauge.aim_ms))
    accuracy, paths = scorer.score(record.spec, rung)
    entry: dict[str, Any] = {
        "fidelity": fidelity,
        "ao": accuracy.ao,
        "ao_seq": accuracy.ao_seq,
        "steps": steps,
        "seconds": round(perf_counter() - begin, 2),
    }
    entry |= {"layers": round(mean_layers(paths, record.spec), 2)} if paths else {}
    record = replace(record, accuracy=accuracy, fidelity=fidelity, rungs=(*record.rungs, entry))
    # Before any training no layer is skipped and no exit trusted, which says nothing of what will be.
    return (
        record if not (paths and steps) else replace(record, paths=paths, predicted=gauge.predict(record.spec, paths))
    )


def _point(record: Record) -> tuple[float, float]:
    assert record.predicted is not None
    assert record.accuracy is not None
    return record.predicted.mean_ms, record.accuracy.ao
