"""Drawing knobs: a sampler that works on a copy of the study in memory, and draws alike however often it is stopped.

A sampler asks a study for all its trials at every draw, and stores each knob by itself; in a database that takes longer
than the draw. The copy is kept as trials are added and end, and holds only what a sampler can use: trials with knobs.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, cast

import numpy as np
import optuna
from optuna.samplers import BaseSampler
from optuna.trial import FrozenTrial, Trial, TrialState, create_trial

from compress.archive import nondominated_rank
from compress.driver.samplers.known_space import SpaceAware
from compress.driver.stored_trials import StoredTrials

_BLOCK = 500
"""Trials after which the copy is made anew, from the best and the newest."""

_BEST = 150


class SeededSampler(BaseSampler):
    """A sampler made anew for every trial, seeded by the trial's number: what it draws depends on the trials alone.

    Args:
        make: Gives a sampler from a seed; see `SAMPLERS`.
        key: Distinguishes joined searches, that would draw the same otherwise.
    """

    def __init__(self, make: Callable[[int], BaseSampler], seed: int, key: int = 0) -> None:
        self._make, self._seed, self.key = make, seed, key
        first = make(seed)
        self.aware = first if isinstance(first, SpaceAware) else None
        self._at: tuple[int, BaseSampler] | None = None
        self._placed = False

    def begin(self, place: int) -> None:
        """Draw for the trial that will have the number `place` in the run, whatever it has in the study at hand."""
        self._at, self._placed = (place, self._seeded(place)), True

    def _seeded(self, place: int) -> BaseSampler:
        seed = int(np.random.SeedSequence([self._seed, self.key, place]).generate_state(1)[0])
        if self.aware is None:
            return self._make(seed)
        self.aware.reseed(seed)  # what it knows of the space stays
        return cast(BaseSampler, self.aware)

    def _for(self, trial: FrozenTrial) -> BaseSampler:
        if self._at is None or not (self._placed or self._at[0] == trial.number):
            self._at = trial.number, self._seeded(trial.number)
        return self._at[1]

    def infer_relative_search_space(self, study: optuna.Study, trial: FrozenTrial) -> dict[str, Any]:
        return self._for(trial).infer_relative_search_space(study, trial)

    def sample_relative(self, study: optuna.Study, trial: FrozenTrial, search_space: dict[str, Any]) -> dict[str, Any]:
        return self._for(trial).sample_relative(study, trial, search_space)

    def sample_independent(self, study: optuna.Study, trial: FrozenTrial, name: str, distribution: Any) -> Any:
        return self._for(trial).sample_independent(study, trial, name, distribution)

    def before_trial(self, study: optuna.Study, trial: FrozenTrial) -> None:
        self._for(trial).before_trial(study, trial)

    def after_trial(self, study: optuna.Study, trial: FrozenTrial, state: TrialState, values: Any) -> None:
        self._for(trial).after_trial(study, trial, state, values)

    def reseed_rng(self) -> None:
        """Nothing: seeds come from numbers."""


class Drawing:
    """The copy of a study that knobs are drawn in.

    Args:
        trials: All of the run, in their order; read again at every draw.
        sampler: Of the run; a `SeededSampler` draws alike in a run that was stopped.
    """

    def __init__(self, trials: StoredTrials, sampler: BaseSampler) -> None:
        self._trials, self._sampler = trials, sampler
        self._block = self._drawn_for = -1
        self._numbers: dict[int, int] = {}
        self._seen, self._running = 0, set[int]()
        self._study = self._empty()

    @property
    def aware(self) -> SpaceAware | None:
        """The sampler, where it knows the space."""
        if isinstance(self._sampler, SeededSampler):
            return self._sampler.aware
        return self._sampler if isinstance(self._sampler, SpaceAware) else None

    def exhausted(self) -> bool:
        """Whether a sampler that knows the space has nothing left to draw."""
        self._begin_draw()
        return self.aware is not None and self.aware.exhausted(self._study)

    def ask(self, knobs: Mapping[str, Any] | None = None) -> Trial:
        """A trial to suggest knobs for; of the given ones it has the values."""
        self._begin_draw()
        if knobs is not None:
            self._study.enqueue_trial(dict(knobs))
        trial = self._study.ask()
        self._numbers[len(self._trials)] = trial.number
        return trial

    def _begin_draw(self) -> None:
        self._follow()
        if isinstance(self._sampler, SeededSampler) and self._drawn_for != len(self._trials):
            self._drawn_for = len(self._trials)
            self._sampler.begin(len(self._trials))

    def forget(self) -> None:
        """Start another copy at the next draw: the trials are not what this one followed."""
        self._block = -1

    def drawn(self, trial: Trial) -> FrozenTrial:
        """What was suggested for a trial that was asked for."""
        return self._study._storage.get_trial(trial._trial_id)

    def _follow(self) -> None:
        """Add the trials that are new, and end those that have ended."""
        # A sampler that knows the space has to know all that was drawn.
        if (0 if self.aware else len(self._trials) // _BLOCK) != self._block:
            self._begin()
        storage = self._study._storage
        for number in sorted({*self._running, *range(self._seen, len(self._trials))}):
            self._copy(self._trials[number], storage)
        self._seen = len(self._trials)
        self._running = {n for n in self._running if self._trials[n].state == TrialState.RUNNING}

    def _begin(self) -> None:
        """Start a copy from the best and the newest of the blocks that are full."""
        self._block = 0 if self.aware else len(self._trials) // _BLOCK
        self._study, self._numbers = self._empty(), {}
        storage = self._study._storage
        for number in self._kept(self._block * _BLOCK):
            self._copy(self._trials[number], storage)

    def _empty(self) -> optuna.Study:
        self._seen, self._running = max(0, self._block) * _BLOCK, set[int]()
        study = optuna.create_study(directions=["minimize", "maximize"], sampler=self._sampler)
        return study

    def _kept(self, end: int) -> list[int]:
        """Numbers of the trials before `end` that the sampler goes on seeing."""
        ended = [t for t in list(self._trials)[:end] if t.state == TrialState.COMPLETE]
        newest = set(range(max(0, end - _BLOCK + _BEST), end))
        running = {t.number for t in list(self._trials)[:end] if t.state == TrialState.RUNNING}
        if not ended:
            return sorted(newest | running)
        rank = nondominated_rank(np.array([t.values for t in ended]), ("minimize", "maximize"))
        best = {ended[int(i)].number for i in np.argsort(rank, kind="stable")[:_BEST]}
        return sorted(best | newest | running)

    def _copy(self, trial: FrozenTrial, storage: Any) -> None:
        """Bring the copy of one trial up to date."""
        if not trial.params:
            return  # given by a strategy: no sampler can learn from knobs that it has not
        copied = self._numbers.get(trial.number)
        if copied is None:
            self._study.add_trial(_bare(trial))
            self._numbers[trial.number] = len(self._study.get_trials(deepcopy=False)) - 1
        elif trial.state.is_finished():
            trial_id = storage.get_trial_id_from_study_id_trial_number(self._study._study_id, copied)
            if storage.get_trial(trial_id).state.is_finished():
                return
            for name, value in trial.system_attrs.items():
                storage.set_trial_system_attr(trial_id, name, value)
            for name, value in _bare(trial).user_attrs.items():
                storage.set_trial_user_attr(trial_id, name, value)
            storage.set_trial_state_values(trial_id, trial.state, trial.values)
        if trial.state == TrialState.RUNNING:
            self._running.add(trial.number)


def _bare(trial: FrozenTrial) -> FrozenTrial:
    """A trial with what samplers use of it."""
    record = trial.user_attrs.get("record")
    return create_trial(
        state=trial.state,
        values=trial.values,
        params=trial.params,
        distributions=trial.distributions,
        user_attrs={"record": {"fidelity": record.get("fidelity")}} if isinstance(record, dict) else {},
        system_attrs=trial.system_attrs,
    )
