"""The threshold of a cascade: the most accurate one that keeps a speed, of those that were really tracked with."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from compress.core import (
    ACCURATE_ASKED,
    Accuracy,
    ExecutionPath,
    InfeasibleError,
    Latency,
    LatencyConstraint,
    UsageError,
    path_rows,
)
from compress.evaluate import Evaluation
from compress.latency import cascade_latency

SHARES = (0.01, 0.02, 0.05, 0.1, 0.2, 0.3, 0.5, 0.7, 0.9)
"""Of the fast tracker's scores by itself that thresholds lie above; tried in this order until one is too slow."""
_BISECTIONS = 3
"""Further ones between the last that was fast enough and the first that was not."""
_DIGITS = 6

Run = Callable[[float], Evaluation]
"""The cascade at a threshold, tracked."""


@dataclass(frozen=True)
class Alone:
    """One of the two trackers by itself."""

    accuracy: Accuracy
    latency: Latency

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON types."""
        return {"accuracy": self.accuracy.to_dict(), "latency": self.latency.to_dict()}


@dataclass(frozen=True)
class TriedThreshold:
    """A cascade at one threshold.

    Attributes:
        accuracy, paths: Of tracking with it.
        latency: Over these paths, from those of the two trackers; or measured.
    """

    threshold: float
    accuracy: Accuracy
    paths: Mapping[ExecutionPath, int]
    latency: Latency

    @property
    def asked(self) -> float:
        """The share of the frames about which the accurate tracker was asked."""
        return self.paths.get(ACCURATE_ASKED, 0) / sum(self.paths.values())

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON types."""
        about = {"threshold": self.threshold, "asked": self.asked, "accuracy": self.accuracy.to_dict()}
        return about | {"latency": self.latency.to_dict(), "paths": path_rows(self.paths)}


def check_speeds(fast: Latency, accurate: Latency, constraint: LatencyConstraint) -> None:
    """Whether a cascade of two trackers of these latencies has any use.

    Raises:
        UsageError: the fast one is not faster than the accurate one.
        InfeasibleError: not even the fast one alone is fast enough.
    """
    if not fast.mean_ms < accurate.mean_ms:
        raise UsageError(
            f"The fast tracker takes {fast.mean_ms:.3g} ms a frame ({fast.provenance}) and the accurate one "
            f"{accurate.mean_ms:.3g} ms ({accurate.provenance}), so asking the fast one first saves nothing. "
            "Take a faster variant for --fast, or a heavier tracker for --accurate."
        )
    if not _kept(constraint, fast):
        assert constraint.max_ms is not None
        raise InfeasibleError(
            f"{1000 / constraint.max_ms:.4g} fps were asked for, {constraint.max_ms:.3g} ms at the {constraint.at}, "
            f"but the fast tracker alone takes {constraint.value(fast):.3g} ms ({fast.provenance}). Ask for less, or "
            "take a faster variant for --fast."
        )


def try_thresholds(
    run: Run, scores: NDArray[np.float64], fast: Latency, accurate: Latency, constraint: LatencyConstraint
) -> list[TriedThreshold]:
    """Track with rising thresholds until the cascade is too slow, then with some between, rising.

    The higher the threshold, the more frames ask. How many, and what it does to the accuracy, only tracking with it
    tells: a box that the accurate tracker has put right changes all that follow. So recorded scores say no more than
    where it is worth to look.

    Args:
        scores: Of the fast tracker by itself, on the frames that are tracked.
    """
    found: dict[float, TriedThreshold] = {}

    def within(share: float) -> bool:
        threshold = round(float(np.quantile(scores, share)), _DIGITS)
        if threshold not in found:
            evaluation = run(threshold)
            latency = cascade_latency(fast, accurate, evaluation.paths)
            found[threshold] = TriedThreshold(threshold, evaluation.accuracy, evaluation.paths, latency)
        return _kept(constraint, found[threshold].latency)

    low, high = 0.0, None
    for share in SHARES:
        if not within(share):
            high = share
            break
        low = share
    for _ in range(_BISECTIONS if high is not None else 0):
        assert high is not None
        middle = (low + high) / 2
        low, high = (middle, high) if within(middle) else (low, middle)
    return [found[threshold] for threshold in sorted(found)]


def most_accurate(
    tried: Sequence[TriedThreshold], constraint: LatencyConstraint, *, slower: float = 1.0
) -> TriedThreshold | None:
    """Of thresholds that keep the bound the most accurate, among equals the fastest; None where none keeps it.

    Args:
        slower: Times that a cascade really took what its latency here says.
    """
    kept = [each for each in tried if _kept(constraint, each.latency, slower)]
    return max(kept, key=lambda each: (each.accuracy.ao, -each.latency.mean_ms), default=None)


class TimedTogether(NamedTuple):
    """A cascade timed whole, and each of its trackers, in one run, so that their ratios hold."""

    fast: Latency
    accurate: Latency
    both: Latency

    def over_sum(self, constraint: LatencyConstraint, paths: Mapping[ExecutionPath, int]) -> float:
        """Times that the cascade took what the two trackers add up to; at least 1."""
        sums = cascade_latency(self.fast, self.accurate, paths)
        return max(1.0, constraint.value(self.both) / constraint.value(sums))


@dataclass(frozen=True)
class ChosenCascade:
    """A threshold, what was tried, and both trackers by themselves, on the same sequences.

    Attributes:
        timed: The chosen one timed whole; None where it was not.
    """

    fast: Alone
    accurate: Alone
    tried: tuple[TriedThreshold, ...]
    chosen: TriedThreshold
    timed: TimedTogether | None = None

    @property
    def latency(self) -> Latency:
        """Measured where it was, else from those of the two trackers."""
        return self.timed.both if self.timed else self.chosen.latency

    def over_bound(self, constraint: LatencyConstraint) -> bool:
        """Whether it was timed on a machine too slow then for a bound that it keeps by what was known before."""
        return not _kept(constraint, self.latency)


def choose(
    tried: Sequence[TriedThreshold],
    fast: Alone,
    accurate: Alone,
    constraint: LatencyConstraint,
    measure: Callable[[Mapping[ExecutionPath, int]], TimedTogether] | None,
) -> ChosenCascade:
    """The most accurate threshold that keeps the bound, also when the cascade is timed whole.

    Two networks in turn take a little longer than each by itself, as each pushes the other out of the cache. How much
    longer is taken from one run of all three, as the machine may be busier now than when the trackers were measured.
    Where the chosen one misses the bound by that, all others are taken to be slower by as much, and the next is timed.

    Args:
        measure: Times the cascade over execution paths, and its trackers; None where the target is not at hand.

    Raises:
        InfeasibleError: no threshold keeps the bound.
    """
    slower = 1.0
    for _ in range(len(tried)):
        best = most_accurate(tried, constraint, slower=slower)
        if best is None:
            break
        if measure is None:
            return ChosenCascade(fast, accurate, tuple(tried), best)
        timed = measure(best.paths)
        longer = timed.over_sum(constraint, best.paths)
        if _kept(constraint, best.latency, longer):
            return ChosenCascade(fast, accurate, tuple(tried), best, timed)
        slower = max(slower * 1.001, longer)
    least = min(tried, key=lambda each: constraint.value(each.latency))
    raise InfeasibleError(
        f"No threshold keeps {constraint.max_ms:.3g} ms at the {constraint.at}: where the accurate tracker is asked "
        f"on {least.asked:.1%} of the frames, it is {constraint.value(least.latency) * slower:.3g} ms. Ask for less, "
        "or take the fast tracker alone."
    )


def _kept(constraint: LatencyConstraint, latency: Latency, slower: float = 1.0) -> bool:
    return constraint.max_ms is None or constraint.value(latency) * slower <= constraint.max_ms
