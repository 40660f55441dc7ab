"""Frames of a cascade to be timed: both networks in one loop, the accurate one asked on given frames."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from compress.core import ACCURATE_ASKED, FAST_ALONE, CascadeSpec, ExecutionPath, TrackerSpec
from compress.geometry import CascadeNetwork, CascadeSettings, CascadeTracker, LoopSettings, NetworkOutput
from compress.measure.fixed_output_maps import fixed_output_maps
from compress.measure.timed_frame import FixedOutput, PreparedNetwork, TimedFrame
from compress.models import Tracker

_THRESHOLD = 0.5


class CascadePair(NamedTuple):
    """Two trackers to be timed as one; specs get fresh weights, as timing does not depend on them."""

    fast: Tracker | TrackerSpec
    accurate: Tracker | TrackerSpec

    @property
    def spec(self) -> CascadeSpec:
        """At a threshold that means nothing: frames ask as they are told."""
        fast, accurate = (each if isinstance(each, TrackerSpec) else each.spec for each in self)
        return CascadeSpec(fast, accurate, _THRESHOLD)


class TimedCascade(TimedFrame):
    """One frame of the whole loop around a cascade on each call, as `TimedFrame`.

    Args:
        fast, accurate: The work of a frame of each.
        paths: Endless execution paths, for one frame after the other.
    """

    def __init__(
        self, spec: CascadeSpec, fast: PreparedNetwork, accurate: PreparedNetwork, paths: Iterator[ExecutionPath]
    ) -> None:
        settings = CascadeSettings.of(spec)
        super().__init__(settings.fast, spec.fast.maps)
        answers = (
            _answer(each, loop) for each, loop in ((spec.fast, settings.fast), (spec.accurate, settings.accurate))
        )
        first, second = answers
        networks = CascadeNetwork(_Told(first, fast, paths), FixedOutput(second, accurate))
        self._tracker = self._started(CascadeTracker(networks, settings))


class _Told(FixedOutput):
    """The fast network, whose score asks the accurate one where the path of the frame does."""

    def __init__(self, answer: NetworkOutput, network: PreparedNetwork, paths: Iterator[ExecutionPath]) -> None:
        super().__init__(answer, network)
        self._paths = paths

    def track(self, search: NDArray[np.float32], memory: Any) -> NetworkOutput:
        """The fixed output, with the score of an exit in the place of its own."""
        asked = next(self._paths) == ACCURATE_ASKED
        scores = np.array([0.0 if asked else 1.0], dtype=np.float32)
        return super().track(search, memory)._replace(path=FAST_ALONE, scores=scores)


def _answer(spec: TrackerSpec, settings: LoopSettings) -> NetworkOutput:
    return NetworkOutput(fixed_output_maps(spec.maps, settings))
