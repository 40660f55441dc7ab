"""Measuring a profile in this process: time a plan's trackers in shuffled rounds."""

from __future__ import annotations

from time import monotonic

from compress.core import TrackerSpec
from compress.core.progress import Progress, no_progress, part
from compress.core.ranges import ANY_ROUNDS
from compress.latency import Conditions, Profile
from compress.measure.backends import CPU, Backend, host_backend
from compress.measure.budget import MeasurementBudget
from compress.measure.calibration.profile_fit import MeasuredOn, fit_profile
from compress.measure.coverage import Coverage
from compress.measure.host import conditions
from compress.measure.stacks.timing_plan import TimingPlan
from compress.measure.timed_trackers import timed_frames
from compress.measure.timing import Times, settled_rounds

ROUNDS = 12

AGAIN_WITHIN_S = 180.0
"""A profile that noise has spoilt is measured a second time if the first took no longer than this."""


def build_profile(
    teacher: TrackerSpec,
    coverage: Coverage,
    *,
    target: str = CPU,
    threads: int = 1,
    rounds: int = ROUNDS,
    progress: Progress = no_progress,
) -> Profile:
    """Measure a profile, keeping nothing; again where the machine was not steady, and of both the more certain one.

    Arguments and errors as `host_profile`.
    """
    ANY_ROUNDS.check("rounds", rounds)
    plan, backend, start = TimingPlan.of(teacher, coverage), host_backend(target), monotonic()
    found = _measured(plan, backend, target, threads, rounds, progress)
    if not found.remarks or monotonic() - start > AGAIN_WITHIN_S:
        return found
    again = _measured(plan, backend, target, threads, rounds, part(progress, 0, 1, "again, as the machine is busy"))
    return min(found, again, key=lambda profile: profile.mean_error or 0.0)


def _measured(
    plan: TimingPlan, backend: Backend, target: str, threads: int, rounds: int, progress: Progress
) -> Profile:
    times, before = [], conditions()
    for i, batch in enumerate(plan.batches):
        own = part(progress, i / len(plan.batches), (i + 1) / len(plan.batches))
        times.append(_batch_times(backend, batch, budget=plan.budget, threads=threads, rounds=rounds, progress=own))
    facts = Conditions(**conditions(before))
    return fit_profile(
        plan, times, MeasuredOn(target, backend.device, backend.version, threads, backend.precision, facts)
    )


def _batch_times(
    backend: Backend,
    specs: list[TrackerSpec],
    *,
    budget: MeasurementBudget,
    threads: int,
    rounds: int,
    progress: Progress,
) -> Times:
    """Times of whole frames of each spec, then of the empty loop; the networks are gone when this returns."""
    with backend.using(threads):
        frames = list(timed_frames([(spec, None) for spec in specs], backend, threads, part(progress, 0, 0.2)))
        return settled_rounds(
            [*frames, frames[0].alone()],
            rounds=rounds,
            dropped=budget.dropped,
            timed=budget.timed,
            progress=part(progress, 0.2, 1, "measuring the profile"),
        )
