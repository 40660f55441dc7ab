"""Latency of whole trackers: the frame loop, template work done once, several trackers in one shuffled run."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from compress.core import Latency, TrackerSpec, UsageError
from compress.measure.graph import FrameCall, LoopCall
from compress.measure.host import host, runtime_name
from compress.measure.rounds import DROPPED, TIMED, Report, Times, disagreement, low, settled_rounds
from compress.models import Tracker

RUNS = 100


@dataclass(frozen=True)
class WholeTimes:
    """Milliseconds of whole frames, (trackers, rounds, timed), and of the loop alone in the same run."""

    names: tuple[str, ...]
    times: Times
    loop_ms: tuple[float, ...]
    threads: int
    dropped: int

    def low_ms(self, name: str) -> float:
        """10th percentile of one tracker."""
        return float(low(self._of(name)[None])[0])

    def spread(self, name: str) -> float:
        """Disagreement of its two halves of the rounds, relative."""
        return float(disagreement(self._of(name)[None])[0])

    def latency(self, name: str) -> Latency:
        times = self._of(name)
        mean = float(times.mean())
        p50, p90, p99 = (float(v) for v in np.percentile(times, (50, 90, 99)))
        loop = self.loop_ms[self.names.index(name)]
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
            runtime=runtime_name(),
            device=str(host()),
        )

    def _of(self, name: str) -> Times:
        return self.times[self.names.index(name)]


def time_whole(
    trackers: Mapping[str, Tracker | TrackerSpec],
    *,
    threads: int = 1,
    runs: int = RUNS,
    seed: int = 0,
    report: Report | None = None,
) -> WholeTimes:
    """Time the whole frame loop of several trackers in one shuffled run, so that their ratios hold.

    Args:
        trackers: Networks, or specs (built with fresh weights), by name.
        threads: Threads of the runtime.
        runs: Timed runs of each, rounded up to whole visits of 5; more where the machine is noisy.

    Raises:
        UsageError: fewer than one run or thread.
    """
    if runs < 1 or threads < 1:
        raise UsageError(f"runs and threads must be at least 1 but are {runs} and {threads}.")
    networks = [FrameCall(tracker, threads=threads) for tracker in trackers.values()]
    loops = {network.spec.search_size: LoopCall(network.spec, None) for network in networks}
    calls = [LoopCall(network.spec, network) for network in networks] + list(loops.values())
    note = None if report is None else lambda share: report("measuring whole trackers", share)
    times = settled_rounds(calls, rounds=math.ceil(runs / TIMED), seed=seed, report=note)
    alone = dict(zip(loops, times[len(networks) :].mean(axis=(1, 2)), strict=True))
    return WholeTimes(
        names=tuple(trackers),
        times=times[: len(networks)],
        loop_ms=tuple(float(alone[network.spec.search_size]) for network in networks),
        threads=threads,
        dropped=DROPPED,
    )


def measure_many(
    trackers: Mapping[str, Tracker | TrackerSpec],
    *,
    threads: int = 1,
    runs: int = RUNS,
    seed: int = 0,
    report: Report | None = None,
) -> dict[str, Latency]:
    """Latency of each tracker by name, all timed in one shuffled run; arguments as `time_whole`."""
    times = time_whole(trackers, threads=threads, runs=runs, seed=seed, report=report)
    return {name: times.latency(name) for name in times.names}


def measure_whole(tracker: Tracker | TrackerSpec, *, threads: int = 1, runs: int = RUNS) -> Latency:
    """Latency of one tracker on this host; to compare several use `measure_many`."""
    return measure_many({"tracker": tracker}, threads=threads, runs=runs)["tracker"]
