"""Timing many calls so that their figures can be added and compared.

Visits go round-robin in shuffled order, so that drift and neighbours (other programs of the machine) fall on all calls
alike. The first runs of a
visit are dropped: they pay for the caches the call before has filled. The 10th percentile over all rounds is what
adds up; medians and means include the time that neighbours took.

This module is packed into kits: Python 3.8 and numpy.
"""

from __future__ import annotations

import gc
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from compress.core.progress import Progress

    Times = NDArray[np.float64]
else:
    Times = Any

DROPPED = 3
TIMED = 5
LOW = 10
"""The percentile that costs are taken at."""

NOISY = 0.05
"""Two halves of the rounds that disagree by more than this, at the median call, ask for more rounds."""

LIMIT = 0.2
"""Times whose halves disagree or drift by more than this, relatively, are measured again, up to `ATTEMPTS` times."""

ATTEMPTS = 3

AGAIN_WITHIN_S = 300.0
"""No further attempt begins later than this after the first: what is noisy then is used."""


def time_rounds(
    calls: Sequence[Callable[[], object]],
    *,
    rounds: int,
    dropped: int = DROPPED,
    timed: int = TIMED,
    seed: int = 0,
    progress: Progress | None = None,
) -> Times:
    """Milliseconds of each timed run: (calls, rounds, timed)."""
    rng = np.random.default_rng(seed)
    times = np.empty((len(calls), rounds, timed))
    with _no_collection():
        for i in range(rounds):
            for j in rng.permutation(len(calls)):
                times[j, i] = _visit(calls[j], dropped, timed)
            if progress:
                progress(f"round {i + 1} of {rounds}", (i + 1) / rounds)
    return times


def settled_rounds(
    calls: Sequence[Callable[[], object]],
    *,
    rounds: int,
    dropped: int = DROPPED,
    timed: int = TIMED,
    seed: int = 0,
    attempts: int = ATTEMPTS,
    progress: Progress | None = None,
) -> Times:
    """As `time_rounds`, and again where the machine is noisy, up to `attempts` times.

    All rounds are kept, except those from before the machine became slower or faster: what it does now is what counts.
    More than twice only what disagrees or drifts by more than `LIMIT`. What is noisy even then is used: see `noise`.
    """
    times, start = np.empty((len(calls), 0, timed)), time.monotonic()
    for attempt in range(attempts):
        more = time_rounds(calls, rounds=rounds, dropped=dropped, timed=timed, seed=seed + attempt, progress=progress)
        times = more if drifted(times) else np.concatenate([times, more], axis=1)
        if not drifted(times) and spread(times) <= (LIMIT if attempt else NOISY):
            break
        if time.monotonic() - start > AGAIN_WITHIN_S:
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


def spread(times: Times) -> float:
    """Disagreement of the median call."""
    return float(np.median(disagreement(times)))


def drift(times: Times) -> float:
    """How much slower the second half of the rounds is than the first, relatively, at the median call."""
    half = times.shape[1] // 2
    if half < 1:
        return 0.0
    return float(np.median(low(times[:, half:]) / low(times[:, :half]) - 1))


def drifted(times: Times) -> bool:
    """Whether the machine changed its speed: it throttles, or a neighbour came or went."""
    return abs(drift(times)) > LIMIT


def noise(times: Times) -> float:
    """By how much figures from these times may be off beyond what they are on a steady machine, relatively; often 0."""
    return max(0.0, max(abs(drift(times)), spread(times)) - NOISY)


def unsteadiness(times: Times) -> str:
    """Why times are uncertain, in words; empty where neither drift nor spread is above `LIMIT`."""
    change, apart = drift(times), spread(times)
    if max(abs(change), apart) <= LIMIT:
        return ""
    if abs(change) > apart:
        word, cause = ("slower", "it throttles, or a neighbour came") if change > 0 else ("faster", "a neighbour left")
        return f"it became {abs(change):.0%} {word} while it was timed: {cause}"
    return f"two halves of the rounds are {apart:.0%} apart: something else ran beside"


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
