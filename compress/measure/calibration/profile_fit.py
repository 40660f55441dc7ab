"""From the times of a plan's trackers to a profile: read its components off, calibrate them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from compress.core import TrackerSpec
from compress.latency import Conditions, Family, Profile, Ratios
from compress.measure.calibration.calibration import calibrated
from compress.measure.calibration.nonnegative import nonnegative
from compress.measure.stacks.timing_plan import TimingPlan
from compress.measure.timing import Times, disagreement, low, noise, unsteadiness

WORST_ERROR = 0.2
"""Profiles whose components miss the validation set by more than this on average are measured again, and say so."""


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

    However noisy the times are, every cost is above zero; what noise did to them is in `noise` and `remarks`.
    """
    loop_ms = float(low(times[-1][-1:])[0])
    lows: dict[TrackerSpec, float] = {}
    for batch, each in zip(plan.stack_batches, times, strict=True):
        lows |= dict(zip(batch, low(each).tolist(), strict=False))
    whole = times[-1][len(plan.stack_batches[-1]) : -1]
    found = plan.stacks.components(lambda spec: lows[spec] - loop_ms)
    read = Profile(
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
        noise=max(map(noise, times)),
        remarks=tuple(dict.fromkeys(filter(None, map(unsteadiness, times)))),
        sizes=plan.coverage.sizes,
    )
    stacks = list(lows)
    costs = nonnegative(read, stacks, [lows[spec] - loop_ms for spec in stacks])
    return _remarked(calibrated(costs, plan.validation, low(whole).tolist()), separated=costs is read)


def adds_up(profile: Profile) -> bool:
    """Whether components predict what whole trackers take, whatever the rounds agreed on."""
    return (profile.mean_error or 0.0) - profile.noise <= WORST_ERROR


def _remarked(profile: Profile, *, separated: bool) -> Profile:
    """The profile with what else noise did to it in its remarks."""
    more = []
    if not separated:
        more.append("some components could not be told apart, and are fitted so that none costs less than nothing")
    if not adds_up(profile):
        error = (profile.mean_error or 0.0) - profile.noise
        more.append(f"sums of components and whole trackers are {error:.0%} apart on average")
    return replace(profile, remarks=(*profile.remarks, *more))


def _ratios(whole: Times) -> Ratios:
    """Each tracker's runs over its own 10th percentile, pooled: one tracker alone has too few for a p99."""
    relative = whole / low(whole)[:, None, None]
    p50, p90, p99 = np.percentile(relative, (50, 90, 99)).tolist()
    return Ratios(mean=float(relative.mean()), p50=p50, p90=p90, p99=p99)
