"""Frames of several trackers, ready to be timed."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import repeat

from compress.core import TrackerSpec, UsageError, Way
from compress.measure.frame_loop import LoopCall
from compress.measure.runtimes import Runtime
from compress.measure.ways import Along, Sent, drawn
from compress.models import Tracker
from compress.profiles import worst_way


class Calls:
    """What is timed: a frame of `each` name, and one on the `worst` way of each adaptive tracker, by its identity.

    Names that stand for the same tracker, on other ways, share its sessions.

    Raises:
        UsageError: an adaptive tracker without ways.
    """

    def __init__(
        self,
        trackers: Mapping[str, Tracker | TrackerSpec],
        ways: Mapping[str, Mapping[Way, int]],
        runtime: Runtime,
        threads: int,
    ) -> None:
        self._runtime, self._threads = runtime, threads
        self.each: dict[str, LoopCall] = {}
        self.worst: dict[int, LoopCall] = {}
        self._staged: dict[int, Sent] = {}
        for name, tracker in trackers.items():
            spec = tracker if isinstance(tracker, TrackerSpec) else tracker.spec
            if not spec.adaptive:
                self.each[name] = LoopCall(spec, runtime.frame(tracker, threads=threads))
            elif ways.get(name):
                self._add(name, tracker, spec, ways[name])
            else:
                raise UsageError(f"The time that {name} takes depends on its frames. Say which ways they go.")

    def _add(self, name: str, tracker: Tracker | TrackerSpec, spec: TrackerSpec, ways: Mapping[Way, int]) -> None:
        key = id(tracker)
        if key not in self._staged:
            self._staged[key] = self._runtime.staged(tracker, threads=self._threads)
            self.worst[key] = LoopCall(spec, Along(self._staged[key], repeat(worst_way(spec))))
        self.each[name] = LoopCall(spec, Along(self._staged[key], drawn(spec, ways)))
