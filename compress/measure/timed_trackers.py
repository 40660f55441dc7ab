"""Frames of several trackers under a backend, each with the whole loop around it, to be timed in one run."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from itertools import accumulate, repeat
from math import sqrt

from compress.core import ACCURATE_ASKED, ExecutionPath, TrackerSpec, UsageError, WithPaths, worst_path
from compress.core.progress import Progress
from compress.measure.backends import Backend
from compress.measure.graph_frames import AlongPaths, StagedFrames
from compress.measure.timed_cascade import CascadePair, TimedCascade
from compress.measure.timed_frame import TimedFrame
from compress.models import Tracker

Call = tuple[TrackerSpec, ExecutionPath | None]
"""A tracker, and the execution path that all its frames take where it is adaptive."""

Timed = Tracker | TrackerSpec | CascadePair
"""What is timed whole."""

_GOLDEN = (sqrt(5) - 1) / 2


def timed_frames(calls: Sequence[Call], backend: Backend, threads: int, progress: Progress) -> Iterator[TimedFrame]:
    """A frame for each call. A static tracker has a session for each, the paths of an adaptive one share theirs."""
    staged: dict[TrackerSpec, StagedFrames] = {}
    for i, (spec, path) in enumerate(calls):
        progress("exporting networks", i / len(calls))
        if path is None:
            yield TimedFrame.of(spec, backend.frame(spec, threads=threads))
            continue
        if spec not in staged:
            staged[spec] = backend.staged(spec, threads=threads)
        yield TimedFrame.of(spec, AlongPaths(staged[spec], repeat(path)))


class TimedTrackers:
    """A frame of `each` name, and one on the `worst` path of each adaptive tracker or cascade, by its identity.

    Names that stand for the same tracker, on other paths, share its sessions.

    Args:
        backends: By precision, the target's own first, which is what trackers in fp32 run under.

    Raises:
        UsageError: an adaptive tracker without paths, or one of a precision that there is no backend of.
    """

    def __init__(
        self,
        trackers: Mapping[str, Timed],
        paths: Mapping[str, Mapping[ExecutionPath, int]],
        backends: Mapping[str, Backend],
        threads: int,
    ) -> None:
        self._backends, self._threads = backends, threads
        self.each: dict[str, TimedFrame] = {}
        self.worst: dict[int, TimedFrame] = {}
        self._staged: dict[int, StagedFrames] = {}
        for name, tracker in trackers.items():
            spec = tracker if isinstance(tracker, TrackerSpec) else tracker.spec
            if spec.adaptive and not paths.get(name):
                raise UsageError(f"The time that {name} takes depends on its frames. Say which paths they take.")
            if isinstance(tracker, CascadePair):
                self._add_cascade(name, tracker, paths[name])
            elif isinstance(spec, TrackerSpec) and spec.adaptive:
                self._add(name, tracker, spec, paths[name])
            else:
                assert isinstance(spec, TrackerSpec)
                self.each[name] = TimedFrame.of(spec, self._backend(spec).frame(tracker, threads=threads))

    def _backend(self, spec: TrackerSpec) -> Backend:
        return self._backends[running_precision(spec, self._backends)]

    def _add_cascade(self, name: str, pair: CascadePair, paths: Mapping[ExecutionPath, int]) -> None:
        if self._threads > 1:
            raise UsageError("A cascade is timed with one thread: with more, its two sessions keep cores from another.")
        members = zip(pair, (pair.spec.fast, pair.spec.accurate), strict=True)
        fast, accurate = (self._backend(spec).frame(each, threads=self._threads) for each, spec in members)
        self.each[name] = TimedCascade(pair.spec, fast, accurate, evenly_mixed(pair.spec, paths))
        self.worst[id(pair)] = TimedCascade(pair.spec, fast, accurate, repeat(ACCURATE_ASKED))

    def _add(
        self, name: str, tracker: Tracker | TrackerSpec, spec: TrackerSpec, paths: Mapping[ExecutionPath, int]
    ) -> None:
        key = id(tracker)
        if key not in self._staged:
            self._staged[key] = self._backend(spec).staged(tracker, threads=self._threads)
            self.worst[key] = TimedFrame.of(spec, AlongPaths(self._staged[key], repeat(worst_path(spec))))
        self.each[name] = TimedFrame.of(spec, AlongPaths(self._staged[key], evenly_mixed(spec, paths)))


def running_precision(spec: TrackerSpec, backends: Mapping[str, object]) -> str:
    """The precision that a tracker runs in where there are these: its own, or of one in fp32 the first.

    Raises:
        UsageError: there is none of its own.
    """
    if spec.precision == "fp32":
        return next(iter(backends))
    if spec.precision not in backends:
        raise UsageError(
            f"The tracker {spec.id} is in {spec.precision}, but what times it is in {', '.join(backends)}."
        )
    return spec.precision


def evenly_mixed(spec: WithPaths, paths: Mapping[ExecutionPath, int]) -> Iterator[ExecutionPath]:
    """Endless paths in the proportions of `paths`, mixed, and as even over any stretch as can be.

    Multiples of the golden ratio fall evenly between 0 and 1; paths of like cost lie side by side there.
    """
    order = sorted(paths, key=lambda path: (path.layers(spec), path.exit or 0, sorted(path.skipped or ())))
    bounds = list(accumulate(paths[path] for path in order))
    place = 0.5
    while True:
        yield order[bisect_right(bounds, place * bounds[-1])]
        place = (place + _GOLDEN) % 1
