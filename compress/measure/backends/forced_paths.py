"""Sending the frames of an adaptive tracker along chosen ways, so that each way can be timed."""

from __future__ import annotations

from bisect import bisect_right
from collections import deque
from collections.abc import Iterator, Mapping
from itertools import accumulate
from math import sqrt
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from compress.core import ExecutionPath, TrackerSpec

_GOLDEN = (sqrt(5) - 1) / 2


class Sent(Protocol):
    """An adaptive tracker whose frames go where they are sent."""

    @property
    def spec(self) -> TrackerSpec:
        """The tracker."""
        ...

    def track(self, search: NDArray[np.float32], path: ExecutionPath) -> ExecutionPath | None:
        """One frame on one way; the way it took."""
        ...


class Along:
    """Frames of an adaptive tracker on endless `paths`, one after the other."""

    def __init__(self, tracker: Sent, paths: Iterator[ExecutionPath]) -> None:
        self.spec = tracker.spec
        self._tracker, self._paths = tracker, paths

    def track(self, search: NDArray[np.float32]) -> None:
        self._tracker.track(search, next(self._paths))


class Guide:
    """Decides as a way has it."""

    def __init__(self, spec: TrackerSpec) -> None:
        self._spec = spec
        self._skips: deque[bool] = deque()
        self._exit: int | None = None

    def follow(self, path: ExecutionPath) -> None:
        path.check(self._spec)
        self._exit = path.exit
        skipped = path.skipped or frozenset()
        self._skips = deque(i in skipped for i in self._spec.skippable if i < path.end(self._spec))

    def skips(self, probability: np.float32) -> bool:
        return self._skips.popleft()

    def leaves(self, exit: int, score: np.float32) -> bool:
        return exit == self._exit


def drawn(spec: TrackerSpec, paths: Mapping[ExecutionPath, int]) -> Iterator[ExecutionPath]:
    """Endless ways in the proportions of `paths`, mixed, and as even over any stretch as can be.

    Multiples of the golden ratio fall evenly between 0 and 1; ways of like cost lie side by side there.
    """
    order = sorted(paths, key=lambda path: (path.layers(spec), path.exit or 0, sorted(path.skipped or ())))
    bounds = list(accumulate(paths[path] for path in order))
    place = 0.5
    while True:
        yield order[bisect_right(bounds, place * bounds[-1])]
        place = (place + _GOLDEN) % 1
