"""The search: prepares what it works with, runs the loop, and measures what was fully trained."""

from __future__ import annotations

from contextlib import ExitStack, nullcontext
from dataclasses import asdict, replace
from pathlib import Path
from time import monotonic
from typing import Unpack

import optuna

from compress.archive import (
    Archive,
    add_phases,
    noted_storage,
    origin_sentences,
    run_dir_lock,
    time_sentence,
    trust_sentences,
)
from compress.core.phases import collected, phase
from compress.core.progress import Progress, no_progress
from compress.distill import pick_device
from compress.driver.executors import EXECUTORS
from compress.driver.joining import JoinedSearch
from compress.driver.loop import Journal, run_trials
from compress.driver.pair_choice import chosen_pairs
from compress.driver.planned_work import PlannedWork
from compress.driver.planner import check_kind, is_plan, make_plan, plan_space
from compress.driver.preparation import (
    Inputs,
    checked_target,
    latency_model,
    look_up,
    proposals_of,
    training_setup,
    work_of,
)
from compress.driver.remeasure import Remeasurer, measuring_s
from compress.driver.run_config import (
    check_or_write_config,
    content_fingerprint,
    content_of,
    noted_pairs,
    with_absolute_paths,
)
from compress.driver.run_dir import Log, explaining_errors, write_environment
from compress.driver.session import open_session, open_sessions
from compress.driver.settings import SearchKeywords, SearchSettings
from compress.driver.shared_weights import within_time
from compress.driver.strategies import STRATEGIES
from compress.driver.students import Students
from compress.driver.study import closing_study, open_study
from compress.driver.teacher import record_teacher
from compress.driver.time_budget import TimeBudget
from compress.driver.trials import Trials
from compress.driver.worker import loaded
from compress.report import comparison_sentence, write_report


def search(
    *,
    out: str | Path | None = None,
    join: bool = False,
    progress: Progress = no_progress,
    **settings: Unpack[SearchKeywords],
) -> Archive:
    """Search for the fastest accurate students of a teacher on a target; the same as `compress search`.

    On a device that is not at hand it plans without weights, on an estimated one also without `data` in `settings`;
    see `driver.planner`.

    Args:
        out: Run directory; `results/TEACHER-TARGET` by default. An earlier search there is continued.
        join: Share the run with others that search there and have this, too; ends once all have.
        settings: Fields of `SearchSettings`, e.g. `teacher="ostrack-nano", target="cpu", speedup=2`.

    Returns:
        The archive; `archive.front()` is empty where no variant meets the bound.

    Raises:
        UsageError: a setting that cannot be.
        FileError: weights, data or run directory that cannot be used.
        InterruptedRun: stopped by the user; the same call continues.
    """
    begin, config = monotonic(), SearchSettings(**settings)
    config = replace(config, storage=noted_storage(config.storage))
    run_dir = Path(out) if out else Path("results") / f"{config.teacher}-{config.target.replace(':', '-')}"
    # Everything a user can mistype is looked up before anything is written.
    target = checked_target(config)
    if is_plan(config, target, settings):
        return make_plan(replace(config, space=plan_space(settings)), target, run_dir, progress=progress)
    config, device = with_absolute_paths(config), pick_device(config.device)
    inputs = look_up(config, target)
    check_kind(run_dir, planned=False)
    with ExitStack() as held, run_dir_lock(run_dir, shared=join) as lock, explaining_errors(run_dir):
        joined = JoinedSearch(run_dir, held) if join else None
        with joined.turn() if joined else nullcontext():
            pairs = noted_pairs(run_dir) or chosen_pairs(config, inputs.teacher.spec, batch=inputs.recipe.batch)
            setup = training_setup(config, inputs, pairs)
            content = content_of(config, setup, inputs.space)
            check_or_write_config(config, run_dir, content, pairs, setup.recipe)
            write_environment(run_dir, str(device))
            study = open_study(
                run_dir, sampler=config.sampler, seed=config.seed, content=content_fingerprint(config, content)
            )
        for text in filter(None, (str(pairs), inputs.left_out)):
            Log(run_dir)(text)
            progress(text, 0.0)
        reserve = 0.0 if target.timer is None else measuring_s(config.members)
        budget = TimeBudget(begin + 60 * config.minutes, reserve)
        with closing_study(study), collected() as seconds:
            if config.elastic_steps is None:
                setup = within_time(setup, study, budget, inputs.teacher)
            with loaded(setup) as students:
                if device.type == "cpu":  # one copy of a large teacher will do
                    inputs = replace(inputs, teacher=students.teacher)
                archive = _run(config, run_dir, inputs, study, students, budget, joined, lock.noting(progress))
            archive = replace(
                archive, phases=add_phases(study, seconds), settings={**archive.settings, "pairs": asdict(pairs)}
            )
        return _write(archive, Log(run_dir))


def _run(
    config: SearchSettings,
    run_dir: Path,
    inputs: Inputs,
    study: optuna.Study,
    students: Students,
    budget: TimeBudget,
    joined: JoinedSearch | None,
    progress: Progress,
) -> Archive:
    """Train and measure, from wherever an earlier search in `run_dir` stopped."""
    log, work = Log(run_dir), PlannedWork(progress)
    log(f"search {asdict(config)}")
    begin = monotonic()
    with phase("latency profile"):
        model = latency_model(config, inputs, work.beside("Latency profile"))
    if config.time_budget is None and budget.limited and (more := budget.put_off(monotonic() - begin)):
        log(f"measuring this host, which is done once, took {more:.0f} s more than the time budget has for it; put off")
    with joined.turn() if joined else nullcontext():
        teacher = record_teacher(study, students, model, work.beside("Scoring the teacher"), log)
        constraint = config.constraint(teacher.predicted)
        proposals = proposals_of(config, inputs, study, model, constraint)
    proposals.shared = joined is not None
    session: str | None = joined.begin(proposals.stored) if joined else open_session(proposals.stored)
    while session is not None:
        setup, cost = students.setup, work_of(students)
        trials = Trials(proposals, model, constraint, setup, work=cost, budget=budget, session=session)
        journal = Journal(run_dir, log, work, trials, students)
        strategy = STRATEGIES[config.strategy](trials, config)
        executor = EXECUTORS[config.chosen_executor](config, journal.watch)
        with phase("proposing, and waiting for workers"):
            run_trials(strategy, executor, trials, journal)
        if joined:
            trials.close()
        trials.session.end()
        # Those of others that have died; what such a search left when no other was there, too.
        session = (
            joined.next(proposals.stored, progress) if joined else next(iter(open_sessions(proposals.stored)), None)
        )
    log("training has ended and its workers with it: what is timed now has the machine to itself")
    measured = Remeasurer(
        study=study,
        run_dir=run_dir,
        settings=asdict(config),
        target=inputs.target,
        threads=config.threads,
        teacher=inputs.teacher,
        restore=lambda spec: students.deliver(spec, len(students.setup.rungs) - 1, run_dir / "checkpoints"),
        progress=work.beside("Trained variants"),
        deadline=budget.deadline,
    )
    with phase("measuring the front"):
        return measured.run()


def _write(archive: Archive, log: Log) -> Archive:
    write_report(archive, archive.run_dir)
    records = archive.records
    sentences = (
        trust_sentences(records),
        origin_sentences(records),
        comparison_sentence(archive),
        time_sentence(archive),
    )
    for sentence in filter(None, sentences):
        log(sentence)
    log(f"front: {', '.join(r.variant for r in archive.front()) or 'empty'}")
    return archive
