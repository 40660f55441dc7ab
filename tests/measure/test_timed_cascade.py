"""A cascade timed whole: both networks, on the frames that are to ask."""

from __future__ import annotations

from dataclasses import replace
from itertools import cycle
from typing import Any

import pytest

from compress.core import ACCURATE_ASKED, FAST_ALONE, TrackerSpec, UsageError
from compress.measure import CascadePair, measure_many, whole_trackers
from compress.measure.timed_cascade import TimedCascade
from compress.measure.timing import Times, time_rounds


class Counting:
    """The work of a frame that does none."""

    def __init__(self) -> None:
        self.shapes: list[tuple[int, ...]] = []

    def track(self, search: Any) -> None:
        self.shapes.append(search.shape)


def _pair(tiny: TrackerSpec, **changes: Any) -> CascadePair:
    deep = tuple(replace(tiny.layers[0], source=i) for i in range(24))
    return CascadePair(tiny, replace(tiny, layers=deep, **changes))


def test_frames_ask_as_they_are_told(tiny: TrackerSpec) -> None:
    fast, accurate, spec = Counting(), Counting(), _pair(tiny, search_size=2 * tiny.search_size).spec
    call = TimedCascade(spec, fast, accurate, cycle([FAST_ALONE, ACCURATE_ASKED, FAST_ALONE]))
    for _ in range(9):
        call()
    sizes = tiny.search_size, 2 * tiny.search_size
    assert fast.shapes == [(1, 3, sizes[0], sizes[0])] * 9
    assert accurate.shapes == [(1, 3, sizes[1], sizes[1])] * 3


def _briefly(calls: Any, *, rounds: int, seed: int, progress: Any) -> Times:
    return time_rounds(calls, rounds=4, seed=seed, progress=progress)


def test_mean_and_worst(tiny: TrackerSpec, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(whole_trackers, "settled_rounds", _briefly)
    pair = _pair(tiny)
    trackers = {"fast": pair.fast, "accurate": pair.accurate, "both": pair}
    found = measure_many(trackers, paths={"both": {FAST_ALONE: 9, ACCURATE_ASKED: 1}}, runs=20)
    both = found["both"]
    assert both.worst_ms is not None
    assert both.provenance == "measured"
    assert found["fast"].mean_ms < both.mean_ms < both.worst_ms
    assert both.worst_ms > found["accurate"].mean_ms


def test_what_cannot_be_timed_is_refused(tiny: TrackerSpec) -> None:
    pair = _pair(tiny)
    with pytest.raises(UsageError, match="Say which paths"):
        measure_many({"both": pair}, runs=1)
    with pytest.raises(UsageError, match="with one thread"):
        measure_many({"both": pair}, paths={"both": {FAST_ALONE: 1}}, threads=2, runs=1)
