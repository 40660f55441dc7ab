"""What a plan has to say beside its figures."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from compress.archive import variant_name
from compress.core import LatencyConstraint
from compress.driver.planner.estimator import Candidate, Estimator
from compress.driver.planner.front import front_of
from compress.measure import Target, same_device

_RUNTIMES = {"pytorch": "PyTorch"}
"""Runtimes by the names that people know them by, where these differ."""


def plan_notes(
    estimator: Estimator, target: Target, trials: Sequence[Candidate], constraint: LatencyConstraint
) -> Iterator[str]:
    """What has to be said about the figures of a plan, a sentence each.

    Args:
        trials: The students that become variants, in this order.
    """
    front = front_of(trials, constraint)
    yield from _teacher_keeps(estimator, constraint)
    yield from _kept_on_every_frame(front, trials, constraint)
    yield from _near_the_bound(estimator, front, constraint)
    beyond = sum(estimator.extrapolates(each.spec) for each in front)
    if beyond:
        yield (
            "Extrapolated, in work or width beyond all that the latency estimate was fitted to: "
            f"{beyond} of the {len(front)} on the front."
        )
    if front:
        yield from _other_runtimes(estimator, target, front, constraint)


def _teacher_keeps(estimator: Estimator, constraint: LatencyConstraint) -> Iterator[str]:
    latency = estimator.teacher_latency()
    own = constraint.value(latency)
    if constraint.met_by(latency):
        yield (
            f"The teacher itself is estimated at {own:.3g} ms ({1000 / own:.3g} fps) and keeps the bound without any "
            "compression: it binds nothing here."
        )


def _kept_on_every_frame(
    front: list[Candidate], trials: Sequence[Candidate], constraint: LatencyConstraint
) -> Iterator[str]:
    always = front_of(trials, replace(constraint, at="worst"))
    if always and constraint.at != "worst" and any(each.spec.adaptive for each in front):
        best = always[-1]
        yield (
            f"Keeps the bound on every frame, its worst path included: {variant_name(list(trials).index(best))} at "
            f"{best.latency.at('worst'):.3g} ms, expected {best.prior.metric} {best.prior.mean:.3f} "
            f"({best.prior.low:.3f} to {best.prior.high:.3f})."
        )


def _near_the_bound(estimator: Estimator, front: list[Candidate], constraint: LatencyConstraint) -> Iterator[str]:
    errors, bound = estimator.model.errors, constraint.max_ms
    if errors is None or bound is None:
        return
    near = sum(constraint.value(each.latency) * (1 + errors.max) > bound for each in front)
    if near:
        yield (
            f"May miss the bound on the device, being nearer to it than the largest error of the latency estimate "
            f"({errors.max:.1%}): {near} of the {len(front)} on the front."
        )


def _other_runtimes(
    estimator: Estimator, target: Target, front: list[Candidate], constraint: LatencyConstraint
) -> Iterator[str]:
    for other in same_device(target):
        model = other.latency_model(estimator.teacher)
        kept = sum(constraint.met_by(model.predict(each.spec)) for each in front)
        errors = model.errors
        off = f"{errors.mean:.1%} mean error, {errors.max:.1%} at most" if errors else "errors not known"
        runtime = f"{_RUNTIMES.get(other.runtime, other.runtime)} ({other.name}; {off})"
        yield f"Under {runtime} {kept} of the {len(front)} on the front would keep the bound."
