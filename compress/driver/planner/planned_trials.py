"""What becomes of an estimated student: a record, a trial of the study, a row of `plan.csv`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from optuna.distributions import CategoricalDistribution
from optuna.trial import FrozenTrial, TrialState, create_trial

from compress.archive import PriorAccuracy, Record, variant_name
from compress.core import ConstraintCheck, Latency, LatencyConstraint, TrackerSpec
from compress.core.cost import macs, parameters
from compress.driver.planner.estimator import Candidate, Estimator
from compress.latency.estimated.work import frame_work

_BEYOND = "extrapolated: more or less work, or another width, than all that the latency estimate was fitted to"


def planned_trial(
    number: int,
    each: Candidate,
    offered: Mapping[str, tuple[Any, ...]],
    estimator: Estimator,
    constraint: LatencyConstraint,
) -> FrozenTrial:
    """The trial of a student, as a search would have left it: pruned where it misses the bound.

    Args:
        offered: The choices of the space, by knob.
    """
    check = _check(each, constraint)
    record = planned_record(each.spec, variant_name(number), number, each.latency, each.prior)
    if not check.passes:
        record = replace(record, status="rejected", reason=check.reason)
    elif estimator.extrapolates(each.spec):
        record = replace(record, reason=_BEYOND)
    return create_trial(
        state=TrialState.COMPLETE if check.passes else TrialState.PRUNED,
        values=[each.latency.mean_ms, each.prior.mean] if check.passes else None,
        params=dict(each.knobs),
        distributions={name: CategoricalDistribution(offered[name]) for name in each.knobs},
        user_attrs={"record": record.to_attrs()},
        constraints={"latency": check.over_ms},
    )


def planned_record(spec: TrackerSpec, variant: str, number: int, latency: Latency, prior: PriorAccuracy) -> Record:
    """The record of a student, or of the teacher, whose number is -1."""
    cost = macs(spec)
    return Record(
        variant=variant,
        number=number,
        spec=spec,
        status="done",
        fidelity="prior",
        predicted=latency,
        params=parameters(spec),
        macs=cost.full,
        macs_per_frame=cost.per_frame,
        is_teacher=number < 0,
        prior=prior,
    )


def plan_row(
    each: Candidate, knobs: Iterable[str], estimator: Estimator, constraint: LatencyConstraint
) -> dict[str, Any]:
    """A student's row of `plan.csv`: its choices, and everything estimated of it."""
    return {
        **{name: each.knobs.get(name) for name in knobs},
        "prior_ao": each.prior.mean,
        "prior_low": each.prior.low,
        "prior_high": each.prior.high,
        "prior_metric": each.prior.metric,
        "latency_ms": each.latency.mean_ms,
        "worst_ms": each.latency.worst_ms,
        "latency_provenance": each.latency.provenance,
        "extrapolated": estimator.extrapolates(each.spec),
        "within_bound": constraint.met_by(each.latency),
        "params": parameters(each.spec),
        "gmacs_per_frame": frame_work(each.spec, "onnxruntime").gmacs,
    }


def _check(each: Candidate, constraint: LatencyConstraint) -> ConstraintCheck:
    return constraint.check(each.latency, optimistic=each.spec.adaptive)
