"""The search: ask, gate, train, tell; then measure what was fully trained, and report."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import asdict, replace
from pathlib import Path
from time import monotonic

import optuna
import torch

from compress.archive import (
    Archive,
    Constraint,
    Record,
    write_pareto_csv,
    write_trials_csv,
)
from compress.core import Latency, Store, describe, fingerprint
from compress.core.progress import Progress, no_progress
from compress.data import DataSource, open_source
from compress.distill import Pool, StudentRecipe, distillation_pool, pick_device
from compress.driver.config import SearchConfig, settle
from compress.driver.evaluation_data import check_training_data, evaluation_sequences, pool_size, rungs_of
from compress.driver.latency_constraint import Gauge, latency_of
from compress.driver.planned_work import PlannedWork
from compress.driver.planner import check_kind, make_plan, plan_space, plans
from compress.driver.planner.warm_start import enqueue, planned
from compress.driver.proposals import Proposals, check_names, open_study
from compress.driver.remeasure import Remeasurer
from compress.driver.run_dir import Log, explained, holding, write_environment
from compress.driver.strategies.halving import Member, run_generation
from compress.driver.students import Rung, Students
from compress.driver.teacher_record import keep_teacher, teacher_score
from compress.latency import Profile
from compress.measure import Coverage, Target, resolve_target
from compress.models import Tracker, load_tracker, weights_key
from compress.report import write_report
from compress.spaces import Space, load_space


def search(*, out: str | Path | None = None, progress: Progress = no_progress, **settings: object) -> Archive:
    """Search for the fastest accurate students of a teacher on a target; the same as `compress search`.

    On an estimated target, without weights or without `data` in `settings`, it plans: see `driver.plan`.

    Args:
        out: Run directory; `results/TEACHER-TARGET` by default. An earlier search there is continued.
        settings: Fields of `SearchConfig`, e.g. `teacher="ostrack-nano", target="cpu", speedup=2`.

    Returns:
        The archive; `archive.front()` is empty where no variant meets the bound.

    Raises:
        UsageError: a setting that cannot be.
        FileError: weights, data or run directory that cannot be used.
        InterruptedRun: stopped by the user; the same call continues.
    """
    config = SearchConfig(**settings)  # type: ignore[arg-type]
    check_names(config.sampler, config.fps_at)
    run_dir = Path(out) if out else Path("results") / f"{config.teacher}-{config.target.replace(':', '-')}"
    # Everything a user can mistype is looked up before anything is written.
    target = resolve_target(config.target, describe(config.teacher))
    target.check_bound(config.fps_at)
    target.check_searchable()
    if plans(config, target, settings):
        return make_plan(replace(config, space=plan_space(settings)), target, run_dir, progress=progress)
    space = load_space(config.space)
    teacher = load_tracker(config.teacher, config.weights or None)
    device = pick_device(config.device)
    data, train_data = open_source(config.data), open_source(config.train_data, images=config.images)
    rungs = rungs_of(evaluation_sequences(data), steps=config.steps, partial=config.partial)
    check_training_data(train_data, teacher.spec)
    check_kind(run_dir, planned=False)
    if config.plan:
        planned(config.plan, space, teacher.spec)
    with holding(run_dir):
        settle(config, run_dir)
        write_environment(run_dir, str(device))
        with explained(run_dir):
            parts = (target, space, teacher, device, data, train_data, rungs)
            return _Search(config, run_dir, *parts, progress).run()


class _Search:
    def __init__(
        self,
        config: SearchConfig,
        run_dir: Path,
        target: Target,
        space: Space,
        teacher: Tracker,
        device: torch.device,
        data: DataSource,
        train_data: DataSource,
        rungs: list[Rung],
        progress: Progress,
    ) -> None:
        self.config, self.run_dir, self.target, self.space = config, run_dir, target, space
        self.teacher, self.device, self.work = teacher, device, PlannedWork(progress)
        self._train_data = train_data
        self.log = Log(run_dir)
        self.begin = monotonic()
        self.study = open_study(run_dir, sampler=config.sampler, seed=config.seed)
        self.constraint = Constraint(None, at=config.fps_at)
        self._weights = weights_key(teacher)
        self._pairs = config.pool or pool_size(teacher.spec, config.steps * StudentRecipe.batch)
        self.students = Students(
            teacher=teacher,
            pool=self._pool,
            rungs=rungs,
            key=fingerprint([self._weights, teacher.spec.id, data.fingerprint, train_data.fingerprint, self._pairs]),
            seed=config.seed,
            device=device,
            mlp_rank=config.mlp_rank,
            progress=self._distilling,
        )
        self._made: Pool | None = None

    def run(self) -> Archive:
        self.log(f"search {asdict(self.config)}")
        profile = self._profile()
        score = teacher_score(self.study, self.students, self.work.beside("Scoring the teacher"))
        predicted = latency_of(profile, self.teacher.spec, score.paths)
        gauge = Gauge(profile, self.config.fps_at, self._bound(predicted))
        if keep_teacher(self.study, self.teacher.spec, score, predicted):
            self.log(f"teacher: AO {score.accuracy.ao:.4f}, {predicted.provenance} {predicted.mean_ms:.3f} ms")
        proposals = Proposals(study=self.study, space=self.space, teacher=self.teacher.spec, gate=gauge.gate)
        if self.config.plan:
            enqueue(self.study, planned(self.config.plan, self.space, self.teacher.spec), self.config.students)
        proposals.enqueue_seeds()
        self._train(proposals, gauge)
        archive = Remeasurer(
            study=self.study,
            run_dir=self.run_dir,
            settings=asdict(self.config),
            target=self.target,
            threads=self.config.threads,
            teacher=self.teacher,
            progress=self.work.beside("Trained variants"),
        ).run()
        self._write(archive)
        return archive

    def _profile(self) -> Profile | Target:
        """What latency is told from: parts measured on the target, or what is estimated of it."""
        if self.target.estimates is not None:
            return self.target
        return self.target.profile(
            self.teacher.spec,
            coverage=Coverage.of_space(self.teacher.spec, self.space),
            threads=self.config.threads,
            progress=self.work.beside("Latency profile"),
        )

    def _train(self, proposals: Proposals, gauge: Gauge) -> None:
        """Generation after generation until enough students are trained or the time is over."""
        fidelities = [rung.fidelity for rung in self.students.rungs]
        steps = [sum(r.steps for r in self.students.rungs[: i + 1]) for i in range(len(fidelities))]
        known = {self.teacher.spec.weights_id} | {Record.from_attrs(r).spec.weights_id for r in self._record_attrs()}
        waiting = proposals.running()
        while not self._time_over():
            left = self.config.students - self._trained()
            members = [*waiting, *self._ask(proposals, known, min(left, self.config.generation) - len(waiting))]
            waiting = []
            if not members:
                return
            if self._made is None:
                self._pool()
                self.work.start(self._work())
            run_generation(
                members, self.students, fidelities, steps=steps, gauge=gauge, tell=proposals.tell, done=self._scored
            )

    def _ask(self, proposals: Proposals, known: set[str], count: int) -> list[Member]:
        source = proposals.accepted(known)
        members: list[Member] = []
        while len(members) < count:
            member = next(source, None)
            if member is None:
                break
            self.work.say(f"{member[1].variant}: {member[1].predicted.fps:.0f} fps predicted")  # type: ignore[union-attr]
            members.append(member)
        return members

    def _trained(self) -> int:
        done = optuna.trial.TrialState.COMPLETE
        return len(self.study.get_trials(deepcopy=False, states=(done,)))

    def _record_attrs(self) -> list[dict[str, object]]:
        trials = self.study.get_trials(deepcopy=False)
        return [t.user_attrs["record"] for t in trials if "record" in t.user_attrs]

    def _time_over(self) -> bool:
        return monotonic() - self.begin > 60 * self.config.minutes

    def _scored(self, record: Record) -> None:
        """After each rung: keep the weights, log, count the work."""
        assert record.accuracy is not None
        rung = next(i for i, r in enumerate(self.students.rungs) if r.fidelity == record.fidelity)
        self.students.deliver(record.spec, rung, self.run_dir / "checkpoints")
        text = f"{record.variant} {record.fidelity}: AO {record.accuracy.ao:.3f} ± {record.accuracy.ao_se:.3f}"
        if record.paths and record.predicted:
            used, depth = record.layers_used, len(record.spec.layers)
            text += f", {used:.1f} of {depth} layers, {record.predicted.mean_ms:.3g} ms predicted"
        self.log(text)
        self.work.add(self._units(rung), text)

    def _write(self, archive: Archive) -> None:
        write_pareto_csv(archive, self.run_dir / "pareto.csv")
        write_trials_csv(archive, self.run_dir / "trials.csv")
        write_report(archive, self.run_dir / "report")
        self.log(f"front: {', '.join(r.variant for r in archive.front()) or 'empty'}")

    def _bound(self, teacher: Latency) -> float:
        if self.config.fps is not None:
            return 1000.0 / self.config.fps
        assert self.config.speedup is not None
        return self.constraint.value(teacher) / self.config.speedup

    def _pool(self) -> Pool:
        """The pool, made or read when a student first needs it."""
        if self._made is None:
            self._made = distillation_pool(
                self.teacher,
                self._train_data,
                count=self._pairs,
                seed=self.config.seed + 1,
                store=Store(),
                device=self.device,
                workers=os.cpu_count() or 1,
                weights_key=self._weights,
                progress=self.work.beside("Pool"),
            )
        return self._made

    def _units(self, rung: int) -> float:
        frames = sum(len(s) for s in self.students.rungs[rung].sequences)
        return self.students.rungs[rung].steps + frames / 30

    def _work(self) -> float:
        """All generations, each halved at every rung."""
        left, total = max(0, self.config.students - self._trained()), 0.0
        while left > 0:
            size = min(left, self.config.generation)
            left -= size
            for rung in range(len(self.students.rungs)):
                total += size * self._units(rung)
                size = (size + 1) // 2
        return total

    def _distilling(self, rung: Rung) -> Progress:
        """Distillation is a piece of the work; all parts of its loss are logged, the telling ones shown."""
        piece = self.work.piece(rung.steps)

        def progress(text: str, share: float, figures: Mapping[str, float] | None = None) -> None:
            parts = figures or {}
            self.log(f"{text} " + " ".join(f"{name} {value:.4f}" for name, value in parts.items()))
            piece(f"Distilling: {text}", share, {name: parts[name] for name in ("loss", "iou") if name in parts})

        return progress
