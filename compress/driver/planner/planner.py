"""`Planner`: samples a space, keeps what is on and near its front, and writes the run."""

from __future__ import annotations

import os
from dataclasses import asdict
from pathlib import Path

import optuna

from compress.archive import (
    Archive,
    Plan,
    Record,
    archive_of,
    csv_text,
    store_plan,
    store_teacher,
    variant_name,
)
from compress.core import FileError, describe
from compress.core.progress import Progress
from compress.core.writing import write_file
from compress.driver.planner.commands import plan_commands
from compress.driver.planner.estimator import Candidate, Estimator
from compress.driver.planner.front import distinct, front_of, nearest_to_front
from compress.driver.planner.notes import plan_notes
from compress.driver.planner.planned_trials import plan_row, planned_record, planned_trial
from compress.driver.planner.sample import sample_space
from compress.driver.run_dir import Log
from compress.driver.settings import SearchSettings
from compress.driver.study import open_study
from compress.measure import Coverage, Target
from compress.report import published_sentences, write_report
from compress.spaces import Space

_TRIALS = 200
"""Students that become trials: the front and what lies nearest to it. All others are in plan.csv only."""


class Planner:
    """Estimates students of a space and writes the run; stopped and called again, it goes on."""

    def __init__(
        self, config: SearchSettings, run_dir: Path, target: Target, space: Space, progress: Progress, draws: int
    ) -> None:
        self.config, self.run_dir, self.space, self.progress = config, run_dir, space, progress
        self.draws, self.log = draws, Log(run_dir)
        teacher = describe(config.teacher)
        coverage = Coverage.of_space(teacher, space)
        model = target.latency_model(teacher, coverage=coverage, threads=config.threads)
        self.estimator, self.target = Estimator(model, config.teacher, teacher), target
        self.teacher = self._teacher_record()
        self.constraint = config.constraint(self.teacher.latency)

    def run(self) -> Archive:
        """The archive of the plan; what a stopped one lacks is added."""
        self.log(f"plan {asdict(self.config)}")
        # plan.csv, by which a plan is distinguished from a search, is written before the study.
        sample = None if os.path.lexists(self.run_dir / "study.db") else self._sample()
        study = open_study(self.run_dir, sampler=self.config.sampler, seed=self.config.seed)
        if "plan" not in study.user_attrs:
            self._store(study, sample or self._sample())
        archive = archive_of(study, self.run_dir, asdict(self.config))
        _check_basis(archive.teacher, self.teacher)
        write_report(archive, self.run_dir)
        front = ", ".join(record.variant for record in archive.front(archive.fidelity))
        self.log(f"front by estimates alone: {front or 'empty'}; nothing was trained")
        for sentence in published_sentences(archive):
            self.log(sentence)
        return archive

    def _sample(self) -> list[Candidate]:
        self.progress(f"Estimating students of {self.space.name}; nothing is trained or timed", 0.0)
        sample = sample_space(self.space, self.estimator, self.constraint, self.config.seed, draws=self.draws)
        self.log(f"{len(sample)} students estimated")
        front = {each.spec for each in front_of(sample, self.constraint)}
        offered = list(self.space.choices(self.estimator.teacher))
        names = {each.spec: variant_name(i) for i, each in enumerate(self._chosen(sample))}
        rows = [
            {"spec_id": each.spec.id, "variant": names.get(each.spec), "on_front": each.spec in front}
            | plan_row(each, offered, self.estimator, self.constraint)
            for each in sample
        ]
        write_file(self.run_dir / "plan.csv", csv_text(rows))
        return sample

    def _teacher_record(self) -> Record:
        latency, prior = self.estimator.teacher_latency(), self.estimator.teacher_prior()
        return planned_record(self.estimator.teacher, "teacher", -1, latency, prior)

    def _chosen(self, sample: list[Candidate]) -> list[Candidate]:
        return nearest_to_front(sample, self.constraint, _TRIALS)

    def _store(self, study: optuna.Study, sample: list[Candidate]) -> None:
        """Trials that are not there yet, then what marks the plan as whole."""
        store_teacher(study, self.teacher)
        offered = self.space.choices(self.estimator.teacher)
        there = len(study.get_trials(deepcopy=False))
        for number, each in list(enumerate(self._chosen(sample)))[there:]:
            study.add_trial(planned_trial(number, each, offered, self.estimator, self.constraint))
        store_plan(study, self._facts(sample))

    def _facts(self, sample: list[Candidate]) -> Plan:
        model = self.estimator.model
        found = self.space.combinations(self.estimator.teacher)
        return Plan(
            space=self.space.name,
            combinations=found,
            whole=found <= self.draws,
            estimated=len(sample),
            within=sum(self.constraint.met_by(each.latency) for each in sample),
            duplicates=len(sample) - len(distinct(sample)),
            basis=model.basis,
            mean_error=model.errors.mean if model.errors else None,
            max_error=model.errors.max if model.errors else None,
            limits=model.limits,
            notes=tuple(plan_notes(self.estimator, self.target, self._chosen(sample), self.constraint)),
            commands=tuple(plan_commands(self.config, self.run_dir, measured=model.provenance == "predicted")),
        )


def _check_basis(there: Record, here: Record) -> None:
    """Raise FileError for a plan that was drawn before the device was measured."""
    before, now = (record.latency.provenance if record.latency else "unknown" for record in (there, here))
    if before != now:
        raise FileError(
            f"The plan there was made with its latency {before}; it would be {now} now. Give another --out to plan "
            "again."
        )
