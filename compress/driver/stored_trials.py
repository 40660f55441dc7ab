"""The trials of a run as its study has them: read once, written at once, each change in one step.

A trial is entered with its spec, its record and where it belongs in one transaction, so that a search that is killed
leaves either all of it or nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import takewhile
from typing import Any

import optuna
from optuna.trial import FrozenTrial, TrialState, create_trial

from compress.archive import Record, variant_name

ASKED = "asked"
"""Attribute of a trial: which session asked for it, and with which batch."""


@dataclass(frozen=True)
class Asked:
    """Where a trial belongs: the session (one search, however often it was stopped), and its request within that."""

    session: str = ""
    batch: int = 0

    @classmethod
    def of(cls, trial: FrozenTrial) -> Asked | None:
        """Of a trial; None where it does not say."""
        found = trial.user_attrs.get(ASKED)
        if isinstance(found, list) and [type(each) for each in found] == [str, int]:
            return cls(*found)
        return None


@dataclass
class Draft:
    """What is entered of a new trial.

    Attributes:
        trial: Of the study that its knobs were drawn in; None of a spec that no sampler drew.
        over_ms: Of one that ends at once, the milliseconds by which it misses the bound.
    """

    record: Record
    trial: FrozenTrial | None = None
    over_ms: float | None = None
    attrs: dict[str, Any] = field(default_factory=dict)


class StoredTrials:
    """The trials of a study by number, and every change of them."""

    def __init__(self, study: optuna.Study) -> None:
        self.study = study
        self._storage, self._id = study._storage, study._study_id
        self._trials: list[FrozenTrial] = []
        self.refresh()

    def __len__(self) -> int:
        return len(self._trials)

    def __getitem__(self, number: int) -> FrozenTrial:
        return self._trials[number]

    def __iter__(self) -> Iterator[FrozenTrial]:
        return iter(self._trials)

    @property
    def rejected_last(self) -> int:
        """Trials in a row that were pruned, up to the last one."""
        return sum(1 for _ in takewhile(lambda trial: trial.state == TrialState.PRUNED, reversed(self._trials)))

    def refresh(self) -> None:
        """Read what others have written; only needed where others do."""
        # Copies of the lists of attributes alone: those of finished trials belong to the storage.
        known = self._trials
        self._trials = [
            known[i] if i < len(known) and known[i].state.is_finished() else _own(trial)
            for i, trial in enumerate(self.study.get_trials(deepcopy=False))
        ]

    def enter(self, draft: Draft, asked: Asked) -> int:
        """Add a trial, which is running, or pruned where the draft says by how much it is over; gives its number."""
        number = len(self._trials)
        state = TrialState.RUNNING if draft.over_ms is None else TrialState.PRUNED
        drawn = draft.trial
        record = replace(draft.record, number=number, variant=variant_name(number))
        new = create_trial(
            state=state,
            params=drawn.params if drawn else {},
            distributions=drawn.distributions if drawn else {},
            user_attrs={"record": record.to_attrs(), ASKED: [asked.session, asked.batch], **draft.attrs},
            system_attrs=drawn.system_attrs if drawn else {},
            constraints=None if draft.over_ms is None else {"latency": draft.over_ms},
        )
        new._trial_id = self._storage.create_new_trial(self._id, template_trial=new)
        new.number = self._storage.get_trial_number_from_id(new._trial_id)
        if new.number == number:
            self._trials.append(new)
            return number
        self.refresh()  # another process has entered some meanwhile
        if state == TrialState.RUNNING:
            self.put(new.number, replace(record, number=new.number, variant=variant_name(new.number)))
        return new.number

    def put(self, number: int, record: Record, **attrs: Any) -> None:
        """Store the record of a running trial, and other attributes before it."""
        trial = self._trials[number]
        for name, value in {**attrs, "record": record.to_attrs()}.items():
            self._storage.set_trial_user_attr(trial._trial_id, name, value)
            trial.user_attrs[name] = value

    def end(
        self, number: int, record: Record, state: TrialState, *, values: list[float] | None = None, over_ms: float = 0.0
    ) -> None:
        """End a trial, which is final; what a killed search has begun of that is done again."""
        trial = self._trials[number]
        self.put(number, record)
        if state != TrialState.FAIL:
            for name, value in _constraint(over_ms).items():
                self._storage.set_trial_system_attr(trial._trial_id, name, value)
                trial.system_attrs[name] = value
        self._storage.set_trial_state_values(trial._trial_id, state, values)
        trial.state, trial.datetime_complete = state, datetime.now()
        if values is not None:
            trial.values = values

    def set_attr(self, name: str, value: Any) -> None:
        """Set an attribute of the study."""
        self.study.set_user_attr(name, value)


def _constraint(over_ms: float) -> Mapping[str, float]:
    """The bound as Optuna keeps it among the attributes of a trial."""
    return create_trial(values=[0.0, 0.0], constraints={"latency": over_ms}).system_attrs


def _own(trial: FrozenTrial) -> FrozenTrial:
    """A trial whose state and attributes can be changed without changing what the storage keeps."""
    return FrozenTrial(
        number=trial.number,
        state=trial.state,
        value=None,
        values=trial.values,
        datetime_start=trial.datetime_start,
        datetime_complete=trial.datetime_complete,
        params=trial.params,
        distributions=trial.distributions,
        user_attrs=dict(trial.user_attrs),
        system_attrs=dict(trial.system_attrs),
        intermediate_values={},
        trial_id=trial._trial_id,
    )
