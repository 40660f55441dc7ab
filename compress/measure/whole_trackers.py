"""Latency of whole trackers: the frame loop, template work done once, several trackers in one shuffled run."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from compress.core import ExecutionPath, Latency, TrackerSpec
from compress.core.progress import Progress, no_progress, part
from compress.core.ranges import ANY_RUNS
from compress.core.threads import check_threads
from compress.latency import runtime_label
from compress.measure.backends import CPU, Backend, host_backend, targets_by_precision
from compress.measure.timed_trackers import Timed, TimedTrackers, running_precision
from compress.measure.timing import DROPPED, TIMED, Times, noise, settled_rounds
from compress.models import Tracker

RUNS = 100


@dataclass(frozen=True)
class WholeTimes:
    """Milliseconds of whole frames, (trackers, rounds, timed), and of the loop alone in the same run.

    Attributes:
        worst: Of adaptive trackers, by name, (rounds, timed) where every frame takes the worst path.
        noise: As in `Latency`, of the whole run.
        low: Of trackers that ran in another precision than `backend`'s, by name, what they ran under.
    """

    names: tuple[str, ...]
    times: Times
    loop_ms: tuple[float, ...]
    threads: int
    dropped: int
    backend: Backend
    worst: Mapping[str, Times] = field(default_factory=dict)
    noise: float = 0.0
    low: Mapping[str, Backend] = field(default_factory=dict)

    def latency(self, name: str) -> Latency:
        times = self._of(name)
        mean = float(times.mean())
        p50, p90, p99 = (float(v) for v in np.percentile(times, (50, 90, 99)))
        loop, backend = self.loop_ms[self.names.index(name)], self.low.get(name, self.backend)
        return Latency(
            mean_ms=mean,
            p50_ms=p50,
            p90_ms=p90,
            p99_ms=p99,
            network_ms=max(mean - loop, 0.0),
            provenance="measured",
            runs=times.size,
            warmup=times.shape[0] * self.dropped,
            threads=self.threads,
            runtime=runtime_label(backend.version, backend.precision),
            device=backend.device,
            worst_ms=float(self.worst[name].mean()) if name in self.worst else None,
            noise=self.noise,
        )

    def _of(self, name: str) -> Times:
        return self.times[self.names.index(name)]


def time_whole(
    trackers: Mapping[str, Timed],
    *,
    paths: Mapping[str, Mapping[ExecutionPath, int]] | None = None,
    target: str = CPU,
    threads: int = 1,
    runs: int = RUNS,
    seed: int = 0,
    progress: Progress = no_progress,
) -> WholeTimes:
    """Time the whole frame loop of several trackers in one shuffled run, so that their ratios hold.

    An adaptive tracker runs in stages between which the host decides. Its frames take the paths given, in these
    proportions, whatever its weights say; and as many more all take the worst path.

    Args:
        trackers: Networks, or specs (built with fresh weights), or pairs of either that are a cascade, by name.
        paths: Of each adaptive tracker and cascade, frames counted by the path they took.
        target: One of `host_backends`; trackers of another precision run as `targets_by_precision` says.
        threads: Threads of the runtime.
        runs: Timed runs of each, rounded up to whole visits of 5; more where the machine is noisy.

    Raises:
        UsageError: fewer than one run or thread, an adaptive tracker without paths, or a precision that the target
            does not run.
    """
    ANY_RUNS.check("runs", runs)
    check_threads(threads)
    backends = {precision: host_backend(name) for precision, name in targets_by_precision(target).items()}
    backend = next(iter(backends.values()))
    own = part(progress, 0, 1, "measuring whole trackers")
    with backend.using(threads):
        calls = TimedTrackers(trackers, paths or {}, backends, threads)
        loops = {call.settings.search_size: call.alone() for call in calls.each.values()}
        every = [*calls.each.values(), *calls.worst.values(), *loops.values()]
        times = settled_rounds(every, rounds=math.ceil(runs / TIMED), seed=seed, progress=own)
    alone = dict(zip(loops, times[-len(loops) :].mean(axis=(1, 2)), strict=True))
    worst = dict(zip(calls.worst, times[len(calls.each) :], strict=False))
    return WholeTimes(
        names=tuple(calls.each),
        times=times[: len(calls.each)],
        loop_ms=tuple(float(alone[call.settings.search_size]) for call in calls.each.values()),
        threads=threads,
        dropped=DROPPED,
        backend=backend,
        worst={name: worst[id(tracker)] for name, tracker in trackers.items() if id(tracker) in worst},
        noise=noise(times),
        low={name: backends[low] for name, each in trackers.items() if (low := _precision(each, backends)) is not None},
    )


def _precision(tracker: Timed, backends: Mapping[str, Backend]) -> str | None:
    """What a tracker runs in, if that is not what those in fp32 do; cascades are named after the latter."""
    spec = tracker if isinstance(tracker, TrackerSpec) else tracker.spec
    if not isinstance(spec, TrackerSpec) or spec.precision == "fp32":
        return None
    return running_precision(spec, backends)


def measure_many(
    trackers: Mapping[str, Timed],
    *,
    paths: Mapping[str, Mapping[ExecutionPath, int]] | None = None,
    target: str = CPU,
    threads: int = 1,
    runs: int = RUNS,
    seed: int = 0,
    progress: Progress = no_progress,
) -> dict[str, Latency]:
    """Latency of each tracker by name, all timed in one shuffled run; arguments as `time_whole`."""
    times = time_whole(trackers, paths=paths, target=target, threads=threads, runs=runs, seed=seed, progress=progress)
    return {name: times.latency(name) for name in times.names}


def measure_whole(
    tracker: Tracker | TrackerSpec,
    *,
    paths: Mapping[ExecutionPath, int] | None = None,
    threads: int = 1,
    runs: int = RUNS,
) -> Latency:
    """Latency of one tracker on this host; to compare several use `measure_many`."""
    found = measure_many({"tracker": tracker}, paths={"tracker": paths or {}}, threads=threads, runs=runs)
    return found["tracker"]
