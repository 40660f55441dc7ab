"""Draws a plan and writes it as a search writes its run."""

from __future__ import annotations

from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import optuna
from optuna.distributions import CategoricalDistribution
from optuna.trial import FrozenTrial, TrialState, create_trial

from compress.archive import (
    Archive,
    Plan,
    PriorAccuracy,
    Record,
    archive_of,
    store_plan,
    store_teacher,
    variant_name,
    write_csv,
    write_pareto_csv,
    write_trials_csv,
)
from compress.core import ConstraintCheck, FileError, Latency, TrackerSpec, describe
from compress.core.cost import macs, parameters
from compress.core.progress import Progress
from compress.driver.config import SearchConfig
from compress.driver.planner.estimator import Candidate, Estimator
from compress.driver.planner.formatting import commands, notes
from compress.driver.planner.front import distinct, front_of, nearest_to_front
from compress.driver.planner.sample import sample_space
from compress.driver.proposals import open_study
from compress.driver.run_dir import Log
from compress.latency.estimated.work import frame_work
from compress.measure import Coverage, Target
from compress.report import write_report
from compress.spaces import Space

_TRIALS = 200
"""Students that become trials: the front and what lies nearest to it. All others are in plan.csv only."""

_BEYOND = "extrapolated: more or less work, or another width, than all that the latency estimate was fitted to"


class Planner:
    """Estimates students of a space and writes the run; stopped and called again, it goes on."""

    def __init__(
        self, config: SearchConfig, run_dir: Path, target: Target, space: Space, progress: Progress, draws: int
    ) -> None:
        self.config, self.run_dir, self.space, self.progress = config, run_dir, space, progress
        self.draws, self.log = draws, Log(run_dir)
        teacher = describe(config.teacher)
        coverage = Coverage.of_space(teacher, space)
        model = target.latency_model(teacher, coverage=coverage, threads=config.threads)
        self.estimator, self.target = Estimator(model, config.teacher, teacher), target
        self.teacher = _record(teacher, "teacher", -1, self.estimator.teacher_latency(), self.estimator.teacher_prior())
        self.constraint = config.constraint(self.teacher.latency)

    def run(self) -> Archive:
        self.log(f"plan {asdict(self.config)}")
        # What tells a plan from a search is there before the study is.
        sample = None if (self.run_dir / "study.db").is_file() else self._look()
        study = open_study(self.run_dir, sampler=self.config.sampler, seed=self.config.seed)
        if "plan" not in study.user_attrs:
            self._store(study, sample or self._look())
        archive = archive_of(study, self.run_dir, asdict(self.config))
        _check_basis(archive.teacher, self.teacher)
        write_pareto_csv(archive, self.run_dir / "pareto.csv")
        write_trials_csv(archive, self.run_dir / "trials.csv")
        write_report(archive, self.run_dir / "report")
        front = ", ".join(record.variant for record in archive.front(archive.fidelity))
        self.log(f"front by estimates alone: {front or 'empty'}; nothing was trained")
        return archive

    def _look(self) -> list[Candidate]:
        self.progress(f"Estimating students of {self.space.name}; nothing is trained or timed", 0.0)
        sample = sample_space(self.space, self.estimator, self.constraint, self.config.seed, draws=self.draws)
        self.log(f"{len(sample)} students looked at")
        front = {each.spec for each in front_of(sample, self.constraint)}
        names = {each.spec: variant_name(i) for i, each in enumerate(self._chosen(sample))}
        rows = [
            {"spec_id": each.spec.id, "variant": names.get(each.spec), "on_front": each.spec in front}
            | self._row(each, list(self.space.choices(self.estimator.teacher)))
            for each in sample
        ]
        write_csv(rows, self.run_dir / "plan.csv")
        return sample

    def _chosen(self, sample: list[Candidate]) -> list[Candidate]:
        return nearest_to_front(sample, self.constraint, _TRIALS)

    def _store(self, study: optuna.Study, sample: list[Candidate]) -> None:
        """Trials that are not there yet, then what marks the plan as whole."""
        store_teacher(study, self.teacher)
        there = len(study.get_trials(deepcopy=False))
        for number, each in list(enumerate(self._chosen(sample)))[there:]:
            study.add_trial(self._trial(number, each))
        store_plan(study, self._facts(sample))

    def _facts(self, sample: list[Candidate]) -> Plan:
        model = self.estimator.model
        found = self.space.combinations(self.estimator.teacher)
        return Plan(
            space=self.space.name,
            combinations=found,
            whole=found <= self.draws,
            drawn=len(sample),
            within=sum(self.constraint.met_by(each.latency) for each in sample),
            twins=len(sample) - len(distinct(sample)),
            mean_error=model.errors.mean if model.errors else 0.0,
            max_error=model.errors.max if model.errors else 0.0,
            limits=model.limits,
            notes=tuple(notes(self.estimator, self.target, self._chosen(sample), self.constraint)),
            commands=tuple(commands(self.config, self.run_dir, measured=model.provenance == "predicted")),
        )

    def _trial(self, number: int, each: Candidate) -> FrozenTrial:
        record, check = self._student(number, each), self._check(each)
        offered = self.space.choices(self.estimator.teacher)
        return create_trial(
            state=TrialState.COMPLETE if check.passes else TrialState.PRUNED,
            values=[each.latency.mean_ms, each.prior.mean] if check.passes else None,
            params=dict(each.knobs),
            distributions={name: CategoricalDistribution(offered[name]) for name in each.knobs},
            user_attrs={"record": record.to_attrs()},
            constraints={"latency": check.over_ms},
        )

    def _student(self, number: int, each: Candidate) -> Record:
        record = _record(each.spec, variant_name(number), number, each.latency, each.prior)
        check = self._check(each)
        if not check.passes:
            return replace(record, status="rejected", reason=check.reason)
        return replace(record, reason=_BEYOND if self.estimator.extrapolates(each.spec) else "")

    def _check(self, each: Candidate) -> ConstraintCheck:
        return self.constraint.check(each.latency, optimistic=each.spec.adaptive)

    def _row(self, each: Candidate, knobs: list[str]) -> dict[str, Any]:
        return {
            **{name: each.knobs.get(name) for name in knobs},
            "prior_ao": each.prior.mean,
            "prior_low": each.prior.low,
            "prior_high": each.prior.high,
            "prior_metric": each.prior.metric,
            "latency_ms": each.latency.mean_ms,
            "worst_ms": each.latency.worst_ms,
            "latency_provenance": each.latency.provenance,
            "extrapolated": self.estimator.extrapolates(each.spec),
            "within_bound": self.constraint.met_by(each.latency),
            "params": parameters(each.spec),
            "gmacs_per_frame": frame_work(each.spec, "onnxruntime").gmacs,
        }


def _check_basis(there: Record, here: Record) -> None:
    """Raise FileError for a plan that was drawn before the device was measured."""
    if there.latency and here.latency and there.latency.provenance != here.latency.provenance:
        raise FileError(
            f"The plan there tells latency as {there.latency.provenance}; it would be {here.latency.provenance} now. "
            "Give another --out to plan again."
        )


def _record(spec: TrackerSpec, variant: str, number: int, latency: Latency, prior: PriorAccuracy) -> Record:
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
