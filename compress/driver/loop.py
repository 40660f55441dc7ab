"""The search loop: runs the jobs that a strategy proposes on an executor, and records what comes of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from compress.archive import CurveFile, Record, distilling_step
from compress.core import CompressError
from compress.core.progress import Progress
from compress.distill.staged import first_steps, stage_of
from compress.driver.executors import Executor
from compress.driver.failures import FailuresInARow
from compress.driver.jobs import TrialJob, TrialResult
from compress.driver.planned_work import PlannedWork
from compress.driver.run_dir import Log
from compress.driver.strategies import Strategy
from compress.driver.students import Students
from compress.driver.trials import Trials

_SHOWN = ("loss", "iou")
"""Parts of the loss that progress shows; all are logged."""


@dataclass(frozen=True)
class Journal:
    """Records results while a search runs: weights in the run directory, log, progress.

    Attributes:
        work: The whole search, in units of `Trials.work`.
    """

    run_dir: Path
    log: Log
    work: PlannedWork
    trials: Trials
    students: Students

    def watch(self, job: TrialJob) -> Progress:
        """Where the progress of a job goes."""
        piece, name = self.work.piece(self.trials.work[job.rung], job.trial), self.trials[job.trial].variant
        curve = CurveFile(self.run_dir, name, before=_steps_before(job))

        def progress(text: str, share: float, figures: Mapping[str, float] | None = None) -> None:
            if figures:
                self.log(f"{name} {text}: " + " ".join(f"{k} {v:.4f}" for k, v in figures.items()))
                if (step := distilling_step(text)) is not None:
                    curve.add(step, figures)
            piece(f"{name}: {text}", share, {k: v for k, v in (figures or {}).items() if k in _SHOWN})

        return progress

    def deliver(self, result: TrialResult) -> None:
        """Copy the weights of a student that was trained by itself into the run's `checkpoints/`.

        Students of one `weights_id` have one file there, in which those that were trained furthest stay.
        """
        if self.students.trained(rung := self._rung(result)) and not self.trials.trained_further(result.spec, rung):
            self.students.deliver(result.spec, rung, self.run_dir / "checkpoints")

    def note(self, result: TrialResult, record: Record) -> None:
        """Log a result and count its work as done."""
        origin = f" ({record.origin})" if record.origin else ""
        text = f"{record.variant}{origin} {result.fidelity}: {_outcome(record)}"
        self.log(text)
        self.work.add(self.trials.work[self._rung(result)], text, result.trial)

    def _rung(self, result: TrialResult) -> int:
        return next(i for i, r in enumerate(self.students.setup.rungs) if r.fidelity == result.fidelity)


def run_trials(strategy: Strategy, executor: Executor, trials: Trials, journal: Journal) -> None:
    """Run what `strategy` proposes until it is done, or until the trials' time is over.

    Raises:
        CompressError: a strategy that is not done and proposes nothing; too many students in a row fail; or as
            `Executor.as_completed`.
    """

    failures = FailuresInARow()
    lived: list[tuple[float, TrialJob]] = []

    def submit() -> None:
        """Give the executor what it has room for; jobs that were run before this search was stopped wait in `lived`."""
        if trials.budget.clock() > trials.budget.end:
            strategy.stop()
        room = executor.free - len(lived)
        for job in strategy.propose(room) if room > 0 else []:
            at = trials.recorded(job)
            if at is None:
                executor.submit(job)
            else:
                lived.append((at, job))

    def relive() -> None:
        """Tell the strategy of results that jobs had already, in the order in which they came."""
        while lived:
            lived.sort(key=lambda each: each[0])
            strategy.observe(trials.relive(lived.pop(0)[1]))
            submit()

    trials.budget.workers = executor.workers
    journal.work.start(strategy.planned_work, deadline=trials.budget.end)
    try:
        submit()
        relive()
        for result in executor.as_completed():
            # Weights first: what the study says was scored can be found in the run, whenever this is stopped.
            if not result.error:
                journal.deliver(result)
            record = trials.add(result)
            journal.note(result, record)
            failures.count(record.variant, record.reason if record.status == "failed" else "")
            strategy.observe(result)
            submit()
            relive()
    finally:
        executor.shutdown()
    if not strategy.done:
        raise CompressError("The strategy proposed nothing although it is not done, and no result is awaited.")


def _steps_before(job: TrialJob) -> int:
    """Steps behind which those that a job tells of come, in the life of its student."""
    setup, steps, procedure = job.setup, job.setup.steps(job.rung), job.setup.recipe.procedure
    if setup.begins_anew(job.rung) and stage_of(procedure, setup.teacher.spec, job.spec, steps):
        return first_steps(procedure, steps)
    return setup.steps(job.rung - 1)


def _outcome(record: Record) -> str:
    if record.accuracy is None or record.status == "failed":
        return f"failed: {record.reason}"
    text = f"AO {record.accuracy.ao:.3f} ± {record.accuracy.ao_se:.3f}"
    if record.paths and record.predicted:
        used, depth = record.layers_used, len(record.spec.layers)
        text += f", {used:.1f} of {depth} layers, {record.predicted.mean_ms:.3g} ms {record.predicted.provenance}"
    return text
