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

from compress.core import TrackerSpec, Way

_GOLDEN = (sqrt(5) - 1) / 2


class Sent(Protocol):
    """An adaptive tracker whose frames go where they are sent."""

    @property
    def spec(self) -> TrackerSpec:
        """The tracker."""
        ...

    def track(self, search: NDArray[np.float32], way: Way) -> Way | None:
        """One frame on one way; the way it took."""
        ...


class Along:
    """Frames of an adaptive tracker on endless `ways`, one after the other."""

    def __init__(self, tracker: Sent, ways: Iterator[Way]) -> None:
        self.spec = tracker.spec
        self._tracker, self._ways = tracker, ways

    def track(self, search: NDArray[np.float32]) -> None:
        self._tracker.track(search, next(self._ways))


class Guide:
    """Decides as a way has it."""

    def __init__(self, spec: TrackerSpec) -> None:
        self._spec = spec
        self._skips: deque[bool] = deque()
        self._exit: int | None = None

    def follow(self, way: Way) -> None:
        way.check(self._spec)
        self._exit = way.exit
        skipped = way.skipped or frozenset()
        self._skips = deque(i in skipped for i in self._spec.skippable if i < way.end(self._spec))

    def skips(self, probability: np.float32) -> bool:
        return self._skips.popleft()

    def leaves(self, exit: int, score: np.float32) -> bool:
        return exit == self._exit


def drawn(spec: TrackerSpec, ways: Mapping[Way, int]) -> Iterator[Way]:
    """Endless ways in the proportions of `ways`, mixed, and as even over any stretch as can be.

    Multiples of the golden ratio fall evenly between 0 and 1; ways of like cost lie side by side there.
    """
    order = sorted(ways, key=lambda way: (way.layers(spec), way.exit or 0, sorted(way.skipped or ())))
    bounds = list(accumulate(ways[way] for way in order))
    place = 0.5
    while True:
        yield order[bisect_right(bounds, place * bounds[-1])]
        place = (place + _GOLDEN) % 1
