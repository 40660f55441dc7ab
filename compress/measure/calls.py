"""Frames of several trackers, ready to be timed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import repeat

from compress.core import TrackerSpec, UsageError, Way
from compress.measure.frame_loop import LoopCall
from compress.measure.rounds import Report
from compress.measure.runtimes import Runtime
from compress.measure.ways import Along, Sent, drawn
from compress.models import Tracker
from compress.profiles import worst_way

Call = tuple[TrackerSpec, Way | None]
"""A tracker, and the way that all its frames go where it is adaptive."""


def ready(calls: Sequence[Call], runtime: Runtime, threads: int, report: Report) -> Iterator[LoopCall]:
    """The frame loop around each call. A static tracker has a session for each, the ways of an adaptive one share."""
    staged: dict[TrackerSpec, Sent] = {}
    for i, (spec, way) in enumerate(calls):
        report("exporting networks", i / len(calls))
        if way is None:
            yield LoopCall(spec, runtime.frame(spec, threads=threads))
            continue
        if spec not in staged:
            staged[spec] = runtime.staged(spec, threads=threads)
        yield LoopCall(spec, Along(staged[spec], repeat(way)))


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
