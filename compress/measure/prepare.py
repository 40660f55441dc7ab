"""Frames of several trackers, ready to be timed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import repeat

from compress.core import ExecutionPath, TrackerSpec, UsageError, worst_path
from compress.core.progress import Progress
from compress.measure.backends import Backend
from compress.measure.backends.forced_paths import Along, Sent, drawn
from compress.measure.timed_frame import TimedFrame
from compress.models import Tracker

Call = tuple[TrackerSpec, ExecutionPath | None]
"""A tracker, and the way that all its frames go where it is adaptive."""


def prepare(calls: Sequence[Call], runtime: Backend, threads: int, progress: Progress) -> Iterator[TimedFrame]:
    """The frame loop around each call. A static tracker has a session for each, the ways of an adaptive one share."""
    staged: dict[TrackerSpec, Sent] = {}
    for i, (spec, path) in enumerate(calls):
        progress("exporting networks", i / len(calls))
        if path is None:
            yield TimedFrame(spec, runtime.frame(spec, threads=threads))
            continue
        if spec not in staged:
            staged[spec] = runtime.staged(spec, threads=threads)
        yield TimedFrame(spec, Along(staged[spec], repeat(path)))


class TimedFrames:
    """What is timed: a frame of `each` name, and one on the `worst` way of each adaptive tracker, by its identity.

    Names that stand for the same tracker, on other ways, share its sessions.

    Raises:
        UsageError: an adaptive tracker without ways.
    """

    def __init__(
        self,
        trackers: Mapping[str, Tracker | TrackerSpec],
        paths: Mapping[str, Mapping[ExecutionPath, int]],
        runtime: Backend,
        threads: int,
    ) -> None:
        self._runtime, self._threads = runtime, threads
        self.each: dict[str, TimedFrame] = {}
        self.worst: dict[int, TimedFrame] = {}
        self._staged: dict[int, Sent] = {}
        for name, tracker in trackers.items():
            spec = tracker if isinstance(tracker, TrackerSpec) else tracker.spec
            if not spec.adaptive:
                self.each[name] = TimedFrame(spec, runtime.frame(tracker, threads=threads))
            elif paths.get(name):
                self._add(name, tracker, spec, paths[name])
            else:
                raise UsageError(f"The time that {name} takes depends on its frames. Say which ways they go.")

    def _add(
        self, name: str, tracker: Tracker | TrackerSpec, spec: TrackerSpec, paths: Mapping[ExecutionPath, int]
    ) -> None:
        key = id(tracker)
        if key not in self._staged:
            self._staged[key] = self._runtime.staged(tracker, threads=self._threads)
            self.worst[key] = TimedFrame(spec, Along(self._staged[key], repeat(worst_path(spec))))
        self.each[name] = TimedFrame(spec, Along(self._staged[key], drawn(spec, paths)))
