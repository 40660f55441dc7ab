"""Measuring a profile in this process: time a plan's trackers in shuffled rounds."""

from __future__ import annotations

from compress.core import TrackerSpec, UsageError
from compress.core.progress import Progress, no_progress, part
from compress.latency import Conditions, Profile
from compress.measure.backends import CPU, Backend, host_backend
from compress.measure.budget import MeasurementBudget
from compress.measure.calibration.profile_fit import MeasuredOn, check_adds_up, check_calm, fit_profile
from compress.measure.coverage import Coverage
from compress.measure.host import conditions
from compress.measure.stacks.timing_plan import TimingPlan
from compress.measure.timed_trackers import timed_frames
from compress.measure.timing import Times, settled_rounds

ROUNDS = 12


def build_profile(
    teacher: TrackerSpec,
    coverage: Coverage,
    *,
    target: str = CPU,
    threads: int = 1,
    rounds: int = ROUNDS,
    strict: bool = False,
    progress: Progress = no_progress,
) -> Profile:
    """Measure a profile, keeping nothing. Arguments and errors as `host_profile`."""
    if threads < 1 or rounds < 2:
        raise UsageError(f"threads must be at least 1 and rounds at least 2 but are {threads} and {rounds}.")
    plan, times, before, backend = TimingPlan.of(teacher, coverage), [], conditions(), host_backend(target)
    for i, batch in enumerate(plan.batches):
        own = part(progress, i / len(plan.batches), (i + 1) / len(plan.batches))
        times.append(_batch_times(backend, batch, budget=plan.budget, threads=threads, rounds=rounds, progress=own))
    if strict:
        check_calm(times, backend.device)
    facts = Conditions(**conditions(before))
    measured_on = MeasuredOn(target, backend.device, backend.version, threads, backend.precision, facts)
    profile = fit_profile(plan, times, measured_on)
    if strict:
        check_adds_up(profile)
    return profile


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
