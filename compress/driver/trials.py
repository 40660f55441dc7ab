"""The trials of a search: asked for, recorded as results come, and ended once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import islice
from typing import Any

from optuna.trial import Trial, TrialState

from compress.archive import Record, store_record
from compress.core import ConstraintCheck, LatencyConstraint, TrackerSpec, mean_layers
from compress.driver.jobs import ExitAim, TrainingSetup, TrialJob, TrialResult
from compress.driver.proposals import Proposals
from compress.driver.time_budget import FRAMES_PER_STEP, JobCost, TimeBudget, job_cost
from compress.latency import LatencyModel

_PROMOTED = "rung"
"""Attribute of a trial: the rung, by index, that it goes on to."""


class Trials:
    """What a strategy works with. A trial is one student; its number names it, and `trials[number]` is its record.

    Attributes:
        work: What a job of each rung costs, in units of about one distillation step; for progress.

        budget: How long jobs take, and how much time there is for them.

    Args:
        model: Predicts latency again once an adaptive student has shown which paths its frames take.
        constraint: What students have to keep.
        setup: What all jobs have in common.
    """

    def __init__(
        self,
        proposals: Proposals,
        model: LatencyModel,
        constraint: LatencyConstraint,
        setup: TrainingSetup,
        *,
        work: Sequence[float],
        budget: TimeBudget | None = None,
    ) -> None:
        self.work, self.budget = tuple(work), budget or TimeBudget()
        self._proposals, self._model, self._constraint, self._setup = proposals, model, constraint, setup
        self._open: dict[int, Trial] = {}
        self._records: dict[int, Record] = {}
        self._known = proposals.known()

    def __getitem__(self, number: int) -> Record:
        """All that is known of a trial of this search, or of an unfinished one of an earlier search."""
        return self._records[number]

    @property
    def trained(self) -> int:
        """Students that were finished or failed, in earlier searches of this run too."""
        ended = self._proposals.study.get_trials(deepcopy=False, states=(TrialState.COMPLETE, TrialState.FAIL))
        return sum(t.state == TrialState.COMPLETE or _failed(t.user_attrs.get("record")) for t in ended)

    def unfinished(self) -> list[int]:
        """Trials that a stopped search of this run left open; they are to be finished like those asked for."""
        return [self._take(trial, record) for trial, record in self._proposals.running()]

    def ask(self, count: int) -> list[int]:
        """New students within the latency bound, at most `count`; fewer where the space seems to hold no more.

        Students over the bound are pruned, with the reason in their record.
        """
        accepted = self._proposals.accepted(self._known)
        return [self._take(trial, record) for trial, record in islice(accepted, max(0, count))]

    def propose(self, specs: Sequence[TrackerSpec]) -> list[int]:
        """Trials of specs that a strategy gives itself, which need not be in the space; their trials have no knobs.

        Those over the bound, or tried before, are pruned, with the reason in their record, and left out.
        """
        return [self._take(trial, record) for trial, record in self._proposals.given(specs, self._known)]

    def job(self, number: int, rung: int) -> TrialJob:
        """The job that takes a student to a rung, by index, and scores it there."""
        predicted = self[number].predicted
        aim = self._constraint.aim_ms(predicted.noise if predicted else 0.0)
        exits = None if aim is None else ExitAim(self._model, aim)
        return TrialJob(number, self[number].spec, rung, self._setup, exits)

    def reached(self, number: int, rung: int) -> bool:
        """Whether a student was scored at a rung, as one of a stopped search may have been."""
        return any(past["fidelity"] == self._setup.rungs[rung].fidelity for past in self[number].rungs)

    def promote(self, number: int, rung: int) -> None:
        """Note that a student goes on to a rung, for a search that continues this one."""
        self._open[number].set_user_attr(_PROMOTED, rung)

    def promoted_to(self, number: int) -> int:
        """The rung that a student under way was promoted to; 0 where it was not."""
        rung = self._open[number].user_attrs.get(_PROMOTED)
        return rung if type(rung) is int and 0 < rung < len(self.work) else 0

    def fidelity(self, rung: int) -> str:
        """Name of a rung."""
        return self._setup.rungs[rung].fidelity

    def seconds(self, number: int, rung: int) -> float:
        """How long the job that takes a student to a rung will take; 0 while nothing is known."""
        return self.budget.seconds(self._cost(number, rung))

    def _cost(self, number: int, rung: int) -> JobCost:
        steps = self._setup.rungs[rung].steps
        frames = round(FRAMES_PER_STEP * (self.work[rung] - steps))
        return job_cost(self[number].spec, self._setup.teacher.spec, steps=steps, frames=frames)

    def add(self, result: TrialResult) -> Record:
        """Record a result; the search loop does this before the strategy learns of it. A failed trial ends here."""
        number = result.trial
        rung = next(i for i, each in enumerate(self._setup.rungs) if each.fidelity == result.fidelity)
        self.budget.add(self._cost(number, rung), result.seconds)
        record = _failure(self[number], result) if result.error else self._scored(self[number], result)
        self._records[number] = record
        store_record(self._open[number], record)
        if result.error:
            self._proposals.study.tell(self._open.pop(number), state=TrialState.FAIL)
        return record

    def over_ms(self, record: Record) -> float:
        """By how many milliseconds a record misses the bound; negative where it keeps it."""
        return self._check(record).over_ms

    def finish(self, number: int) -> None:
        """Enter a trained student's result in the study, which is final; a failed one has ended already."""
        if number not in self._open:
            return
        record = self[number]
        # An adaptive student's own paths may be over a bound that its best ones were within.
        check = self._check(record)
        record = replace(record, status="done", reason="" if check.passes else check.reason)
        self._records[number] = record
        self._proposals.tell(self._open.pop(number), record, check.over_ms)

    def _check(self, record: Record) -> ConstraintCheck:
        """Check a record by its latest prediction."""
        assert record.predicted is not None
        return self._constraint.check(record.predicted, optimistic=record.optimistic)

    def _take(self, trial: Trial, record: Record) -> int:
        self._open[trial.number], self._records[trial.number] = trial, record
        return trial.number

    def _scored(self, record: Record, result: TrialResult) -> Record:
        assert result.accuracy is not None
        rung = next(i for i, r in enumerate(self._setup.rungs) if r.fidelity == result.fidelity)
        found: dict[str, Any] = {
            "fidelity": result.fidelity,
            "ao": result.accuracy.ao,
            "ao_seq": result.accuracy.ao_seq,
            "steps": self._setup.steps(rung),
            "seconds": result.seconds,
        }
        if self._setup.elastic is not None:
            found["shared_steps"] = self._setup.elastic.steps  # of the weights that all students have in common
        found |= {"layers": round(mean_layers(result.paths, result.spec), 2)} if result.paths else {}
        rungs = (*record.rungs, found)
        record = replace(record, spec=result.spec, accuracy=result.accuracy, fidelity=result.fidelity, rungs=rungs)
        # Before any training no layer is skipped and no exit trusted, which says nothing of what will be.
        if not (result.paths and self._setup.learned(rung)):
            return record
        return replace(record, paths=result.paths, predicted=self._model.predict(result.spec, result.paths))


def _failure(record: Record, result: TrialResult) -> Record:
    return replace(record, status="failed", reason=result.error)


def _failed(record: Any) -> bool:
    return isinstance(record, dict) and record.get("status") == "failed"
