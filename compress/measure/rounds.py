"""Timing many calls so that their figures can be added and compared.

Visits go round-robin in shuffled order, so that drift and neighbours fall on all calls alike. The first runs of a
visit are dropped: they pay for the caches the call before has filled. The 10th percentile over all rounds is what
adds up; medians and means carry the neighbours along.
"""

from __future__ import annotations

import gc
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

DROPPED = 3
TIMED = 5
LOW = 10
"""The percentile that costs are taken at."""

NOISY = 0.05
"""Two halves of the rounds that disagree by more than this, at the median call, ask for more rounds."""

Times: TypeAlias = NDArray[np.float64]
Report: TypeAlias = Callable[[str, float], None]
"""Called with what is being done and the share of it done, in [0, 1]."""


def time_rounds(
    calls: Sequence[Callable[[], object]],
    *,
    rounds: int,
    dropped: int = DROPPED,
    timed: int = TIMED,
    seed: int = 0,
    report: Callable[[float], None] | None = None,
) -> Times:
    """Milliseconds of each timed run: (calls, rounds, timed)."""
    rng = np.random.default_rng(seed)
    times = np.empty((len(calls), rounds, timed))
    with _no_collection():
        for i in range(rounds):
            for j in rng.permutation(len(calls)):
                times[j, i] = _visit(calls[j], dropped, timed)
            if report:
                report((i + 1) / rounds)
    return times


def settled_rounds(
    calls: Sequence[Callable[[], object]],
    *,
    rounds: int,
    dropped: int = DROPPED,
    timed: int = TIMED,
    seed: int = 0,
    attempts: int = 2,
    report: Callable[[float], None] | None = None,
) -> Times:
    """As `time_rounds`; a noisy machine is measured again, up to `attempts` times, and all rounds are kept."""
    times = np.empty((len(calls), 0, timed))
    for attempt in range(attempts):
        more = time_rounds(calls, rounds=rounds, dropped=dropped, timed=timed, seed=seed + attempt, report=report)
        times = np.concatenate([times, more], axis=1)
        if np.median(disagreement(times)) <= NOISY:
            break
    return times


def low(times: Times) -> NDArray[np.float64]:
    """10th percentile of each call's runs: (calls, rounds, timed) → (calls,)."""
    return np.percentile(times.reshape(len(times), -1), LOW, axis=1)


def disagreement(times: Times) -> NDArray[np.float64]:
    """How far apart the 10th percentiles of the even and the odd rounds are, relatively: → (calls,)."""
    if times.shape[1] < 2:
        return np.zeros(len(times))
    return np.abs(low(times[:, ::2]) / low(times[:, 1::2]) - 1)


def silent(what: str, share: float) -> None:
    """A `Report` to nobody."""


def _visit(call: Callable[[], object], dropped: int, timed: int) -> list[float]:
    for _ in range(dropped):
        call()
    ms = []
    for _ in range(timed):
        start = time.perf_counter_ns()
        call()
        ms.append((time.perf_counter_ns() - start) / 1e6)
    return ms


@contextmanager
def _no_collection() -> Iterator[None]:
    """The garbage collector stops the clock for milliseconds, at random."""
    was_on = gc.isenabled()
    gc.collect()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()
