"""An adaptive tracker's staged graphs under onnxruntime, sent along chosen ways so that each can be timed."""

from __future__ import annotations

from bisect import bisect_right
from collections import deque
from collections.abc import Iterator, Mapping
from itertools import accumulate
from math import sqrt

import numpy as np
from numpy.typing import NDArray

from compress.core import TrackerSpec, Way
from compress.export import bundle_graphs
from compress.measure.graph import first_memory, network_of
from compress.models import Tracker
from compress.runtime import session
from compress.runtime.signatures import TEMPLATE
from compress.runtime.stages import Staged

_GOLDEN = (sqrt(5) - 1) / 2


class StagedCall:
    """The sessions of one tracker. Frames are asked what they decide as ever, and then sent another way.

    So a network with fresh weights can be timed like a trained one.
    """

    def __init__(self, tracker: Tracker | TrackerSpec, *, threads: int) -> None:
        model = network_of(tracker)
        graphs = bundle_graphs(model, "stages")
        sessions = {name: session(graph, threads=threads) for name, graph in graphs.items() if name != TEMPLATE}
        self.spec = model.spec
        self._guide = _Guide(model.spec)
        self._staged = Staged.of(model.spec, sessions, self._guide)
        self._memory = first_memory(model)

    def along(self, ways: Iterator[Way]) -> Along:
        """These sessions as a network each frame of which goes the next of endless `ways`."""
        return Along(self, ways)

    def track(self, search: NDArray[np.float32], way: Way) -> Way | None:
        """One frame on one way; the way it took."""
        self._guide.follow(way)
        return self._staged.track(search, self._memory).way


class Along:
    """Frames of a staged tracker on given ways."""

    def __init__(self, call: StagedCall, ways: Iterator[Way]) -> None:
        self.spec = call.spec
        self._call, self._ways = call, ways

    def track(self, search: NDArray[np.float32]) -> None:
        self._call.track(search, next(self._ways))


class _Guide:
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
