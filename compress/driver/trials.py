"""The trials of a search: asked for, recorded as results come, and ended once."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from functools import cached_property
from itertools import islice
from typing import Any

from optuna.trial import FrozenTrial, TrialState

from compress.archive import PHASES, Record
from compress.core import ConstraintCheck, LatencyConstraint, TrackerSpec, mean_layers
from compress.distill import StudentRecipe
from compress.driver.jobs import ExitAim, TrainingSetup, TrialJob, TrialResult
from compress.driver.proposals import Proposals
from compress.driver.session import Session, before, loose, moment, stages
from compress.driver.stored_trials import Asked
from compress.driver.time_budget import FRAMES_PER_STEP, JobCost, TimeBudget, job_cost
from compress.latency import LatencyModel

_LEFT = "its process was stopped, and by then others had tried enough students"


class Trials:
    """What a strategy works with. A trial is one student; its number names it, and `trials[number]` is its record.

    Attributes:
        work: What a job of each rung costs, in units of about one distillation step; for progress.
        budget: How long jobs take, and how much time there is for them.

    Args:
        model: Predicts latency again once an adaptive student has shown which paths its frames take.
        constraint: What students have to keep.
        setup: What all jobs have in common.
        session: Name of the session to go on with; by default that which was not ended, or a new one.
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
        session: str | None = None,
    ) -> None:
        self.work, self.budget = tuple(work), budget or TimeBudget()
        self._proposals, self._model, self._constraint, self._setup = proposals, model, constraint, setup
        self._stored, self.session = proposals.stored, Session(proposals.stored, session)
        self.budget.clock = self.session.clock
        self._records: dict[int, Record] = {}
        self._past: dict[int, list[Record]] = {}
        self._trained_by: dict[tuple[str, str], int] = {}  # by weights and fidelity, who trained them
        self._ended: set[int] = set()
        self._others, self._seen = 0, -1

    def __getitem__(self, number: int) -> Record:
        """All that is known of a trial of this search."""
        return self._records[number]

    @property
    def trained(self) -> int:
        """Students that were finished or failed, in earlier searches of this run too."""
        if self._seen != len(self._stored):  # students of others stay theirs, whatever becomes of them
            self._seen, self._others = len(self._stored), sum(map(self._of_another, self._stored))
        return self._others + len(self._ended)

    def _of_another(self, trial: FrozenTrial) -> bool:
        """Whether a trial is a student of another session."""
        asked = Asked.of(trial)
        mine = loose(trial) if asked is None else asked.session == self.session.name
        return not mine and "record" in trial.user_attrs and trial.state != TrialState.PRUNED

    def ask(self, count: int) -> list[int]:
        """New students within the latency bound, at most `count`; fewer where the space seems to hold no more.

        Students over the bound are pruned, with the reason in their record.
        """
        request = self.session.request(count)
        for number in request.accepted:
            self._live_again(number)
        found, left = request.accepted, 0 if request.closed else count - len(request.accepted)
        if left > 0:
            # An earlier search of this run may have taken the space for exhausted, and is not to be repeated.
            rejected = max(request.rejected, self._stored.rejected_last)
            new = self._proposals.accepted(request.asked, rejected=rejected)
            found = found + [self._take(number) for number in islice(new, left)]
        return found

    def close(self) -> None:
        """End the students of this session that nothing awaits any more, once its strategy is done.

        They were begun by a process that was killed, after which others had enough of them.
        """
        for trial in list(self._stored):
            asked = Asked.of(trial)
            if asked is not None and asked.session == self.session.name and trial.state == TrialState.RUNNING:
                record = replace(Record.from_attrs(trial.user_attrs["record"]), status="failed", reason=_LEFT)
                self._stored.end(trial.number, record, TrialState.FAIL)

    def propose(self, specs: Sequence[TrackerSpec], origin: str = "") -> list[int]:
        """Trials of specs that a strategy gives itself, which need not be in the space; their trials have no knobs.

        Those over the bound, or tried before, are pruned, with the reason in their record, and left out.

        Args:
            origin: How the specs were chosen, for their records.
        """
        request = self.session.request(0)
        for number in request.accepted:
            self._live_again(number)
        if request.closed:
            return request.accepted
        left = specs[len(request.found) :]  # one trial each, in their order
        new = (self._proposals.given(spec, request.asked, origin) for spec in left)
        return request.accepted + [self._take(number) for number in new if number is not None]

    @cached_property
    def elsewhere(self) -> set[str]:
        """`student_id` of the teacher and of the students of other sessions, as far as they were there at the start."""
        records = (each.user_attrs["record"] for each in self._stored if self._of_another(each))
        found = {Record.from_attrs(record).spec.student_id for record in records}
        return found | {self.setup.teacher.spec.student_id}

    def bound_figure(self, spec: TrackerSpec) -> float:
        """The figure of its predicted latency that the constraint binds, in milliseconds."""
        return self._constraint.value(self._model.predict(spec))

    @property
    def bound_ms(self) -> float:
        """What that figure may be at most; the teacher's where nothing is bound."""
        bound = self._constraint.max_ms
        return self.bound_figure(self.setup.teacher.spec) if bound is None else bound

    @property
    def setup(self) -> TrainingSetup:
        """What all jobs have in common."""
        return self._setup

    def _take(self, number: int) -> int:
        self._records[number] = Record.from_attrs(self._stored[number].user_attrs["record"])
        return number

    def _live_again(self, number: int) -> None:
        """Take a trial as it was when it was asked for; its results come as they came then."""
        self._past[number] = stages(self._stored[number])
        self._records[number] = self._past[number][0]

    def unfinished(self) -> list[int]:
        """None: what a stopped search left open is asked for again, and given as it was; see `Session`."""
        return []

    def job(self, number: int, rung: int) -> TrialJob:
        """The job that takes a student to a rung, by index, and scores it there."""
        predicted = self[number].predicted
        aim = self._constraint.aim_ms(predicted.noise if predicted else 0.0)
        exits = None if aim is None else ExitAim(self._model, aim)
        return TrialJob(number, self[number].spec, rung, self._setup, exits)

    def reached(self, number: int, rung: int) -> bool:
        """Whether a student was scored at a rung, as one of a stopped search may have been."""
        return any(past["fidelity"] == self._setup.rungs[rung].fidelity for past in self[number].rungs)

    def trained_further(self, spec: TrackerSpec, rung: int) -> bool:
        """Whether a student of the same weights was scored above a rung.

        One of another precision, or that keeps another share of its tokens.
        """
        if spec.keep_least is None and not self._proposals.mixed:
            return False  # one student for each `weights_id`
        self._proposals.refresh()
        above = {each.fidelity for each in self._setup.rungs[rung + 1 :]}
        records = (trial.user_attrs.get("record") for trial in self._stored)
        further = (each for each in records if each and any(past.get("fidelity") in above for past in each["rungs"]))
        return any(Record.from_attrs(each).spec.weights_id == spec.weights_id for each in further)

    def fidelity(self, rung: int) -> str:
        """Name of a rung."""
        return self._setup.rungs[rung].fidelity

    def seconds(self, number: int, rung: int) -> float:
        """How long the job that takes a student to a rung will take; 0 while nothing is known."""
        return self.budget.seconds(self._cost(number, rung))

    def _cost(self, number: int, rung: int) -> JobCost:
        setup, spec = self._setup, self[number].spec
        trained_by = self._trained_by.get((spec.weights_id, setup.rungs[rung].fidelity), number)
        steps = setup.own_steps(rung) if trained_by == number else 0
        frames = round(FRAMES_PER_STEP * (self.work[rung] - setup.own_steps(rung)))
        return job_cost(spec, setup.teacher.spec, steps=steps, frames=frames, streamed=setup.streamed)

    def _learn_cost(self, result: TrialResult) -> None:
        rung = next(i for i, each in enumerate(self._setup.rungs) if each.fidelity == result.fidelity)
        self.budget.add(self._cost(result.trial, rung), result.seconds)
        if not result.error:
            self._trained_by.setdefault((self[result.trial].spec.weights_id, result.fidelity), result.trial)

    def recorded(self, job: TrialJob) -> float | None:
        """When a job had its result, in seconds from the begin of the session; None where it is to be run."""
        number, results = job.trial, len(self[job.trial].rungs)
        past = self._past.get(number, [])
        if results + 1 < len(past):
            return moment(past[results + 1].rungs[results])
        # One that has failed, or that was ended here, and so can have no further result.
        return self.session.elapsed if self._over(number) and past else None

    def relive(self, job: TrialJob) -> TrialResult:
        """The result that a job had, now known of its trial."""
        number, results = job.trial, len(self[job.trial].rungs)
        past, stored = self._past[number], Record.from_attrs(self._stored[job.trial].user_attrs["record"])
        if results + 1 < len(past):
            record = past[results + 1]
            self.session.go_on_from(moment(record.rungs[results]))
            seconds = record.rungs[results].get("seconds", 0.0)
            result = TrialResult(number, job.fidelity, record.spec, seconds, record.accuracy, record.paths)
            self._learn_cost(result)
            self._records[number] = record
            return result
        if stored.status == "failed":
            return self._failed(TrialResult(number, job.fidelity, job.spec, 0.0, error=stored.reason))
        return TrialResult(number, job.fidelity, job.spec, 0.0, self[number].accuracy, self[number].paths)

    def _over(self, number: int) -> bool:
        trial = self._stored[number]
        return trial.state.is_finished() or trial.user_attrs["record"].get("status") == "failed"

    def add(self, result: TrialResult) -> Record:
        """Record a result; the search loop does this before the strategy learns of it. A failed trial ends here."""
        number = result.trial
        self._learn_cost(result)
        if not result.error and result.accuracy is not None and not math.isfinite(result.accuracy.ao):
            result = replace(result, error=f"its accuracy is {result.accuracy.ao}, which is no number")
        if result.error:
            self._failed(result)
            return self[number]
        record, earlier = self._scored(self[number], result), {}
        if self[number].rungs or record.spec != self[number].spec or record.predicted != self[number].predicted:
            earlier = {before(len(self[number].rungs)): self[number].to_attrs()}
        self._stored.put(number, record, **earlier)
        self._records[number] = record
        return record

    def _failed(self, result: TrialResult) -> TrialResult:
        """End a trial that has failed, where it has not ended yet."""
        number = result.trial
        self._records[number] = replace(self[number], status="failed", reason=result.error)
        self._ended.add(number)
        if not self._stored[number].state.is_finished():
            self._stored.end(number, self[number], TrialState.FAIL)
        return result

    def over_ms(self, record: Record) -> float:
        """By how many milliseconds a record misses the bound; negative where it keeps it."""
        return self._check(record).over_ms

    def finish(self, number: int) -> None:
        """Enter a trained student's result in the study, which is final; a failed one has ended already."""
        if number in self._ended:
            return
        record = self[number]
        assert record.predicted is not None
        assert record.accuracy is not None
        # An adaptive student's own paths may be over a bound that its best ones were within.
        check = self._check(record)
        values = [record.predicted.mean_ms, record.accuracy.ao]
        record = replace(record, status="done", reason="" if check.passes else check.reason)
        self._records[number] = record
        self._ended.add(number)
        if not self._stored[number].state.is_finished():
            self._stored.end(number, record, TrialState.COMPLETE, values=values, over_ms=check.over_ms)

    def _check(self, record: Record) -> ConstraintCheck:
        """Check a record by its latest prediction."""
        assert record.predicted is not None
        return self._constraint.check(record.predicted, optimistic=record.optimistic)

    def _scored(self, record: Record, result: TrialResult) -> Record:
        assert result.accuracy is not None
        rung = next(i for i, r in enumerate(self._setup.rungs) if r.fidelity == result.fidelity)
        found: dict[str, Any] = {
            "fidelity": result.fidelity,
            "ao": result.accuracy.ao,
            "ao_seq": result.accuracy.ao_seq,
            "steps": self._setup.steps(rung),
            "seconds": result.seconds,
            "at": round(self.session.elapsed, 3),
        }
        found |= {} if result.accuracy.precision == "fp32" else {"precision": result.accuracy.precision}
        found |= {} if self._setup.recipe.batch == StudentRecipe.batch else {"batch": self._setup.recipe.batch}
        found |= {PHASES: dict(result.phases)} if result.phases else {}
        if self._setup.elastic is not None:
            found["shared_steps"] = self._setup.elastic.steps  # of the weights that all students have in common
        found |= {"layers": round(mean_layers(result.paths, result.spec), 2)} if result.paths else {}
        rungs = (*record.rungs, found)
        record = replace(record, spec=result.spec, accuracy=result.accuracy, fidelity=result.fidelity, rungs=rungs)
        # Before any training it was scored on the path that its latency was predicted for, see `expected_path`.
        if not (result.paths and self._setup.learned(rung)):
            return record
        return replace(record, paths=result.paths, predicted=self._model.predict(result.spec, result.paths))
