"""The search: what it works with is looked up and prepared, the loop runs, what was fully trained is measured."""

from __future__ import annotations

from dataclasses import asdict, replace
from functools import partial
from pathlib import Path
from time import monotonic
from typing import Unpack

from compress.archive import Archive, write_pareto_csv, write_trials_csv
from compress.core import describe
from compress.core.progress import Progress, no_progress
from compress.data import DataReference, open_source
from compress.distill import pick_device
from compress.driver.content import content_of, located, settle
from compress.driver.evaluation_data import check_training_data, evaluation_sequences
from compress.driver.executors import EXECUTORS
from compress.driver.jobs import TrainingSetup
from compress.driver.loop import Journal, run_trials
from compress.driver.planned_work import PlannedWork
from compress.driver.planner import check_kind, is_plan, make_plan, plan_space
from compress.driver.planner.warm_start import enqueue, planned
from compress.driver.preparation import Inputs, latency_model, training_setup, work_of
from compress.driver.proposals import Proposals
from compress.driver.remeasure import Remeasurer
from compress.driver.run_dir import Log, explained, holding, write_environment
from compress.driver.samplers import open_study
from compress.driver.settings import SearchKeywords, SearchSettings
from compress.driver.strategies import STRATEGIES
from compress.driver.teacher import record_teacher, teacher_score
from compress.driver.trials import Trials
from compress.driver.worker import students_of
from compress.latency import gate
from compress.measure import resolve_target
from compress.models import load_tracker
from compress.report import write_report
from compress.spaces import load_space


def search(
    *, out: str | Path | None = None, progress: Progress = no_progress, **settings: Unpack[SearchKeywords]
) -> Archive:
    """Search for the fastest accurate students of a teacher on a target; the same as `compress search`.

    On an estimated target, without weights or without `data` in `settings`, it plans: see `driver.planner`.

    Args:
        out: Run directory; `results/TEACHER-TARGET` by default. An earlier search there is continued.
        settings: Fields of `SearchSettings`, e.g. `teacher="ostrack-nano", target="cpu", speedup=2`.

    Returns:
        The archive; `archive.front()` is empty where no variant meets the bound.

    Raises:
        UsageError: a setting that cannot be.
        FileError: weights, data or run directory that cannot be used.
        InterruptedRun: stopped by the user; the same call continues.
    """
    config = SearchSettings(**settings)
    run_dir = Path(out) if out else Path("results") / f"{config.teacher}-{config.target.replace(':', '-')}"
    # Everything a user can mistype is looked up before anything is written.
    target = resolve_target(config.target, describe(config.teacher))
    target.check_bound(config.fps_at)
    target.check_threads(config.threads)
    target.check_searchable()
    if is_plan(config, target, settings):
        return make_plan(replace(config, space=plan_space(settings)), target, run_dir, progress=progress)
    config = located(config)
    space = load_space(config.space)
    teacher = load_tracker(config.teacher, config.weights or None)
    device = pick_device(config.device)
    data, train_data = open_source(config.data), open_source(config.train_data, images=config.images)
    evaluation_sequences(data)
    check_training_data(train_data, teacher.spec)
    inputs = Inputs(target, space, teacher, DataReference.of(data), DataReference.of(train_data))
    check_kind(run_dir, planned=False)
    if config.plan:
        planned(config.plan, space, teacher.spec)
    with holding(run_dir):
        setup = training_setup(config, inputs)
        settle(config, run_dir, content_of(config, setup, space))
        write_environment(run_dir, str(device))
        with explained(run_dir):
            return _run(config, run_dir, inputs, setup, progress)


def _run(config: SearchSettings, run_dir: Path, inputs: Inputs, setup: TrainingSetup, progress: Progress) -> Archive:
    """Train, measure and report, from wherever an earlier search in `run_dir` stopped."""
    deadline = monotonic() + 60 * config.minutes
    log, work = Log(run_dir), PlannedWork(progress)
    log(f"search {asdict(config)}")
    study = open_study(run_dir, sampler=config.sampler, seed=config.seed)
    model = latency_model(config, inputs, work.beside("Latency profile"))
    students = students_of(setup)
    teacher = inputs.teacher.spec
    score = teacher_score(study, students, work.beside("Scoring the teacher"))
    predicted = model.predict(teacher, score.paths)
    if record_teacher(study, teacher, score, predicted):
        log(f"teacher: AO {score.accuracy.ao:.4f}, {predicted.provenance} {predicted.mean_ms:.3f} ms")
    constraint = config.constraint(predicted)
    checked = partial(gate, model, constraint=constraint)
    proposals = Proposals(study=study, space=inputs.space, teacher=teacher, gate=checked)
    if config.plan:
        enqueue(study, planned(config.plan, inputs.space, teacher), config.students)
    proposals.enqueue_seeds()
    trials = Trials(proposals, model, constraint, students.setup, work=work_of(students))
    journal = Journal(run_dir, log, work, trials, students)
    strategy = STRATEGIES[config.strategy](trials, config)
    executor = EXECUTORS[config.executor](config, journal.watch)
    run_trials(strategy, executor, trials, journal, deadline=deadline)
    measured = Remeasurer(
        study=study,
        run_dir=run_dir,
        settings=asdict(config),
        target=inputs.target,
        threads=config.threads,
        teacher=inputs.teacher,
        progress=work.beside("Trained variants"),
    )
    return _write(measured.run(), log)


def _write(archive: Archive, log: Log) -> Archive:
    write_pareto_csv(archive, archive.run_dir / "pareto.csv")
    write_trials_csv(archive, archive.run_dir / "trials.csv")
    write_report(archive, archive.run_dir / "report")
    log(f"front: {', '.join(r.variant for r in archive.front()) or 'empty'}")
    return archive
