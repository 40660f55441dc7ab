"""From the times of a plan's trackers to a profile: read its components off, calibrate them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from compress.core import CompressError, TrackerSpec
from compress.core.plain import problems_of
from compress.latency import Conditions, Family, Profile, Ratios
from compress.measure.calibration.calibration import calibrated
from compress.measure.stacks.timing_plan import TimingPlan
from compress.measure.timing import Times, disagreement, low, refusal

WORST_ERROR = 0.2
"""Profiles whose components miss the validation set by more than this on average are refused."""

_ADVICE = "Stop what else runs on it, let it cool, and try again."


@dataclass(frozen=True)
class MeasuredOn:
    """What was timed on; as in `Profile`."""

    target: str
    device: str
    runtime: str
    threads: int
    precision: str = "fp32"
    conditions: Conditions | None = None


def fit_profile(plan: TimingPlan, times: Sequence[Times], measured_on: MeasuredOn) -> Profile:
    """The profile from the times of a plan.

    Stacks are timed within the loop too: after a crop a network finds its caches colder than after itself.

    Args:
        times: Milliseconds of each batch of the plan, and of the empty loop behind each: (calls + 1, rounds, timed).

    Raises:
        CompressError: the machine is too noisy to separate the components.
    """
    loop_ms = float(low(times[-1][-1:])[0])
    lows: dict[TrackerSpec, float] = {}
    for batch, each in zip(plan.stack_batches, times, strict=True):
        lows |= dict(zip(batch, low(each).tolist(), strict=False))
    whole = times[-1][len(plan.stack_batches[-1]) : -1]
    found = plan.stacks.components(lambda spec: lows[spec] - loop_ms)
    raw = Profile(
        target=measured_on.target,
        device=measured_on.device,
        runtime=measured_on.runtime,
        threads=measured_on.threads,
        family=Family.of(plan.teacher),
        overhead=found.overhead,
        blocks=found.blocks,
        elimination_ms=found.elimination_ms,
        loop_ms=loop_ms,
        ratios=_ratios(whole),
        runs=whole[0].size,
        warmup=whole.shape[1] * plan.budget.dropped,
        spread=max(float(disagreement(each[:-1]).max()) for each in times),
        conditions=measured_on.conditions,
        precision=measured_on.precision,
    )
    return _possible(calibrated(_possible(raw), plan.validation, low(whole).tolist()))


def check_calm(times: Sequence[Times], device: str) -> None:
    """Refuse times that say more about how busy the machine was than about trackers.

    Raises:
        CompressError: two halves of a batch do not agree, with the spread.
    """
    for each in times:
        if words := refusal(each):
            raise CompressError(f"The times measured on {device} are refused: {words}. {_ADVICE}")


def check_adds_up(profile: Profile) -> None:
    """Refuse a profile that does not predict what a whole tracker takes, whatever its rounds agreed on.

    Raises:
        CompressError: with the error on the validation set and the largest spread.
    """
    if (profile.mean_error or 0.0) > WORST_ERROR:
        raise CompressError(
            f"The times measured on {profile.device} are refused: sums of components and whole trackers "
            f"are {profile.mean_error:.0%} apart on average (at most {WORST_ERROR:.0%}), and a network's halves of the "
            f"rounds up to {profile.spread:.0%}. {_ADVICE}"
        )


def _possible(profile: Profile) -> Profile:
    """The profile, if all its figures can be costs."""
    if problems := list(problems_of(profile)):
        raise CompressError(
            f"{profile.device} is too noisy to separate the components of a tracker: "
            f"{'; '.join(problems[:3])}. {_ADVICE}"
        )
    return profile


def _ratios(whole: Times) -> Ratios:
    """Each tracker's runs over its own 10th percentile, pooled: one tracker alone has too few for a p99."""
    relative = whole / low(whole)[:, None, None]
    p50, p90, p99 = np.percentile(relative, (50, 90, 99)).tolist()
    return Ratios(mean=float(relative.mean()), p50=p50, p90=p90, p99=p99)
