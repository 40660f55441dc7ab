"""Staged graphs on forced ways: each frame goes where it is sent, proportions hold, and it can be timed."""

from __future__ import annotations

import itertools
from collections import Counter
from dataclasses import replace

import numpy as np
import pytest

from compress.core import BypassSpec, ExecutionPath, ExitSpec, TrackerSpec, UsageError, cheapest_path, worst_path
from compress.measure import measure_many, measure_whole
from compress.measure.backends import host_backend
from compress.measure.timed_trackers import evenly_mixed


@pytest.fixture
def adaptive(tiny: TrackerSpec) -> TrackerSpec:
    """Four layers: the last three may be skipped, and one may leave after two."""
    return replace(tiny, bypass=BypassSpec(n_enf=1), exits=(ExitSpec(2), ExitSpec(4)))


def test_every_frame_goes_where_it_is_sent(adaptive: TrackerSpec) -> None:
    call = host_backend("cpu").staged(adaptive, threads=1)
    crop = np.zeros((1, 3, 64, 64), np.float32)
    late = [ExecutionPath(frozenset(skipped), 1) for n in range(4) for skipped in itertools.combinations((1, 2, 3), n)]
    for path in (ExecutionPath(frozenset(), 0), ExecutionPath(frozenset({1}), 0), *late):
        assert call.track(crop, path) == path
    with pytest.raises(UsageError):
        call.track(crop, ExecutionPath(frozenset({0}), 1))


def test_paths_come_in_their_proportions(adaptive: TrackerSpec) -> None:
    paths = {ExecutionPath(frozenset(), 0): 6, ExecutionPath(frozenset({1}), 1): 3, ExecutionPath(frozenset(), 1): 1}
    for first in (0, 137):
        found = Counter(itertools.islice(evenly_mixed(adaptive, paths), first, first + 100))
        assert {path: count / 10 for path, count in found.items()} == pytest.approx(paths, abs=0.3)
    few = list(itertools.islice(evenly_mixed(adaptive, paths), 10))
    assert len(set(few[:4])) > 1  # mixed, not sorted


def _deep(tiny: TrackerSpec, **changes: object) -> TrackerSpec:
    return replace(tiny, layers=tuple(replace(tiny.layers[0], source=i) for i in range(24)), **changes)  # type: ignore[arg-type]


def test_mean_and_worst_of_an_adaptive_tracker(tiny: TrackerSpec) -> None:
    deep = _deep(tiny, exits=(ExitSpec(2), ExitSpec(24)))
    paths = {"deep": {ExecutionPath(frozenset(), 0): 9, ExecutionPath(frozenset(), 1): 1}}
    found = measure_many({"static": tiny, "deep": deep}, paths=paths, runs=20)
    assert found["static"].worst_ms is None
    mean, worst = found["deep"].mean_ms, found["deep"].worst_ms
    assert worst is not None
    assert worst > 1.5 * mean
    assert found["deep"].p50_ms < found["deep"].p99_ms


def test_cheap_paths_are_fast(tiny: TrackerSpec) -> None:
    """Two sets of ways through one tracker have its worst way in common."""
    deep = _deep(tiny, bypass=BypassSpec(n_enf=1))
    paths = {"cheap": {cheapest_path(deep): 1}, "dear": {worst_path(deep): 1}}
    found = measure_many(dict.fromkeys(paths, deep), paths=paths, runs=10)
    assert found["cheap"].worst_ms == found["dear"].worst_ms
    assert found["cheap"].p50_ms < 0.7 * found["dear"].p50_ms


def test_without_paths_the_time_cannot_be_told(adaptive: TrackerSpec) -> None:
    with pytest.raises(UsageError, match="Say which paths"):
        measure_whole(adaptive, runs=10)
