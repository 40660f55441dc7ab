"""Asking Optuna for specs: the gate that every spec passes before anything is trained."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import optuna
from optuna.distributions import CategoricalDistribution
from optuna.trial import FrozenTrial, Trial, TrialState

from compress.archive import Record, variant_name
from compress.core import ConstraintCheck, FileError, TrackerSpec
from compress.core.cost import macs, parameters
from compress.core.text import printable
from compress.driver.drawing import Drawing
from compress.driver.samplers.known_space import KnownSpace
from compress.driver.seed_configurations import seed_configurations
from compress.driver.stored_trials import Asked, Draft, StoredTrials
from compress.spaces import PRECISION, Space

_QUEUE, _PLACE = "queue", "queued"
"""Attributes: of the study, knobs that are drawn first; of a trial, its place among them."""

_AT_ONCE = "tried at the same moment by another process"
_TRIES = 200
"""Specs in a row that may be rejected before the search takes the space for exhausted."""


@dataclass
class Proposals:
    """Draws specs that keep the bound; `gate` holds one against it before anything is trained.

    Attributes:
        stored: The trials of the study.
        known: `student_id` of the teacher and of all that was tried.
        shared: Whether other processes enter trials, too.
    """

    study: optuna.Study
    space: Space
    teacher: TrackerSpec
    gate: Callable[[TrackerSpec], ConstraintCheck]
    shared: bool = False

    def __post_init__(self) -> None:
        """Let the sampler learn of the space, if it can.

        Raises:
            FileError: there are trials that were drawn from other choices: no sampler goes on from those.
            UsageError: the sampler cannot work with this space.
        """
        self.stored = StoredTrials(self.study)
        self._drawing = Drawing(self.stored, self.study.sampler)
        self._read = 0
        self.known = {self.teacher.student_id}
        self._take_in()
        if self._drawing.aware is not None:
            self._drawing.aware.learn(KnownSpace(self.space, self.teacher, self.gate))

    @property
    def mixed(self) -> bool:
        """Whether students of the same weights may differ in their precision."""
        return PRECISION in self.space.knobs

    def _take_in(self) -> None:
        """Take in the trials that were not here before: of an earlier search, or of one that runs beside."""
        offered = self.space.choices(self.teacher)
        for number in range(self._read, len(self.stored)):
            trial = self.stored[number]
            for name, drawn in trial.distributions.items():
                here = CategoricalDistribution(offered[name]) if name in offered else None
                if drawn != here:
                    there = ", ".join(map(str, getattr(drawn, "choices", ())))
                    now = ", ".join(map(str, offered.get(name, ())))
                    raise FileError(
                        f"The trials of this run were drawn from another space: {name} offered {printable(there)} "
                        f"there and {now or 'nothing'} here. Search the space as it was, or give another --out."
                    )
            if "record" in trial.user_attrs:
                self.known.add(Record.from_attrs(trial.user_attrs["record"]).spec.student_id)
        self._read = len(self.stored)

    def enqueue(self, queue: Sequence[Mapping[str, Any]]) -> None:
        """Draw these knobs first, those that are not given by the sampler; not in a study that has a queue already."""
        if _QUEUE not in self.study.user_attrs:
            self.study.set_user_attr(_QUEUE, [dict(knobs) for knobs in queue])

    def enqueue_seeds(self) -> None:
        """Start from `seed_configurations`, each as deep as the bound allows; see `_likely`."""
        if _QUEUE not in self.study.user_attrs:
            self.enqueue([*self._seeds()])

    def _seeds(self) -> Iterator[Mapping[str, Any]]:
        for start in seed_configurations(self.space, self.teacher):
            for depth in sorted(self.space.choices(self.teacher).get("depth", ()), reverse=True):
                knobs = start | {"depth": depth}
                spec = self.space.spec(self.teacher, lambda name, values, k=knobs: k.get(name, values[0]))  # type: ignore[misc]
                if _likely(self.gate(spec)):
                    yield knobs
                    break

    def accepted(self, asked: Asked, *, rejected: int = 0) -> Iterator[int]:
        """Endless trials of specs within the bound that are not `known`; the others are pruned.

        By `student_id`, as exit thresholds chosen for a student change its id.

        Ends when the space seems to hold no further one; a sampler that is `SpaceAware` knows.

        Args:
            asked: What the trials are entered for.
            rejected: Trials pruned in a row, up to now.
        """
        while not (self._drawing.exhausted() if self._drawing.aware else rejected >= _TRIES):
            self.refresh()
            place, knobs = self._queued()
            trial = self._drawing.ask(knobs)
            spec = self.space.spec(self.teacher, partial(_suggested, trial))
            number = self._enter(spec, asked, self._drawing.drawn(trial), {} if place is None else {_PLACE: place})
            if number is not None:
                rejected = 0
                yield number
            else:
                rejected += 1

    def given(self, spec: TrackerSpec, asked: Asked, origin: str = "") -> int | None:
        """Likewise of a spec that no sampler drew; None where it was pruned. Its trial has no parameters."""
        return self._enter(spec, asked, origin=origin)

    def refresh(self) -> None:
        """Take in what other processes have entered and found."""
        if self.shared:
            self.stored.refresh()
            self._take_in()

    def _came_second(self, number: int, spec: TrackerSpec) -> bool:
        """Whether another process has drawn the same at the same moment, and entered it before."""
        self.stored.refresh()
        earlier = (self.stored[i].user_attrs.get("record") for i in range(self._read, number))
        return any(r and Record.from_attrs(r).spec.student_id == spec.student_id for r in earlier)

    def _queued(self) -> tuple[int | None, Mapping[str, Any] | None]:
        """The first of the queue that no trial was made of, with its place there."""
        queue = self.study.user_attrs.get(_QUEUE, [])
        taken = {trial.user_attrs.get(_PLACE) for trial in self.stored} if queue else set()
        return next(((i, knobs) for i, knobs in enumerate(queue) if i not in taken), (None, None))

    def _enter(
        self,
        spec: TrackerSpec,
        asked: Asked,
        drawn: FrozenTrial | None = None,
        attrs: dict[str, Any] | None = None,
        origin: str = "",
    ) -> int | None:
        """Enter a spec as a trial; gives its number, or None where it was over the bound or known, and so pruned."""
        record, check = self._draft(spec)
        record = replace(record, origin=origin)
        if spec.student_id in self.known:
            record = replace(record, status="duplicate", reason="tried before")
        elif not check.passes:
            record = replace(record, status="rejected", reason=check.reason)
        over_ms, place = None if record.status == "running" else check.over_ms, len(self.stored)
        number = self.stored.enter(Draft(record, drawn, over_ms, attrs or {}), asked)
        if number != place:
            self._drawing.forget()
        if over_ms is None and self.shared and self._came_second(number, spec):
            over_ms = check.over_ms
            record = replace(record, number=number, variant=variant_name(number), status="duplicate", reason=_AT_ONCE)
            self.stored.end(number, record, TrialState.PRUNED, over_ms=over_ms)
        self.known.add(spec.student_id)
        self._take_in()
        return number if over_ms is None else None

    def _draft(self, spec: TrackerSpec) -> tuple[Record, ConstraintCheck]:
        cost, check = macs(spec), self.gate(spec)
        record = Record(
            variant=variant_name(0),
            number=0,
            spec=spec,
            status="running",
            predicted=check.latency,
            params=parameters(spec),
            macs=cost.full,
            macs_per_frame=cost.per_frame,
        )
        return record, check


def _suggested(trial: Trial, name: str, values: Sequence[Any]) -> Any:
    return trial.suggest_categorical(name, list(values))


def _likely(check: ConstraintCheck) -> bool:
    """Whether a static tracker keeps the bound, and an adaptive one halfway between its best and its worst path."""
    latency = check.latency
    slack = (latency.worst_ms - latency.mean_ms) / 2 if check.optimistic and latency.worst_ms is not None else 0.0
    return check.over_ms + slack <= 0
