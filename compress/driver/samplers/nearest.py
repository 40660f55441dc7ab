"""Another sampler's draws, moved to the nearest student that keeps the bound and was not drawn before."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from typing import Any

import optuna
from optuna.distributions import BaseDistribution
from optuna.trial import FrozenTrial

from compress.core import TrackerSpec
from compress.driver.samplers.known_space import Candidate, KnownSpace
from compress.spaces import Space

_FAR = 3
"""Choices in which a student may differ from the draw before one is drawn at random."""
_AROUND = 400
"""Students that are looked at around a draw."""
_TRIES = 2000
"""Random draws in a row without a new student within the bound, after which the space counts as exhausted."""


class NearestSampler(optuna.samplers.BaseSampler):
    """Keeps a sampler that learns nothing from pruned trials from drawing what is pruned, again and again.

    Optuna's Gaussian process sees completed trials alone. These keep the bound, which is checked before training, so
    that it would never learn where the bound lies.

    Args:
        make: Gives the sampler that draws first, from a seed.
    """

    def __init__(self, make: Callable[[int], optuna.samplers.BaseSampler], seed: int) -> None:
        self._make = make
        self._known: KnownSpace | None = None
        self.reseed(seed)

    def reseed(self, seed: int) -> None:
        """Draw on from another seed."""
        self._sampler, self._rng = self._make(seed), random.Random(seed)
        self._spare: Candidate | None = None

    def check(self, space: Space, teacher: TrackerSpec) -> None:
        """Every space will do."""

    def learn(self, known: KnownSpace) -> None:
        """Take in which students keep the bound."""
        self._known = known

    def exhausted(self, study: optuna.Study) -> bool:
        """Whether no new student within the bound is found at random."""
        self._spare = self._random(study)
        return self._known is not None and self._spare is None

    def infer_relative_search_space(self, study: optuna.Study, trial: FrozenTrial) -> dict[str, BaseDistribution]:
        """All knobs, once they are known."""
        if self._known is None:
            return self._sampler.infer_relative_search_space(study, trial)
        return self._known.distributions

    def sample_relative(
        self, study: optuna.Study, trial: FrozenTrial, search_space: dict[str, BaseDistribution]
    ) -> dict[str, Any]:
        """What the other sampler draws, where that was not drawn before and keeps the bound; else what is near."""
        if self._known is None:
            return self._sampler.sample_relative(study, trial, search_space)
        first = self._known.of(self._drawn(study, trial, self._known))
        drawn = self._known.drawn(study.get_trials(deepcopy=False))
        for candidate in self._around(first, self._known):
            if candidate.passes and candidate.student_id not in drawn:
                return dict(candidate.knobs)
        spare = self._spare or self._random(study) or first
        return dict(spare.knobs)

    def sample_independent(
        self, study: optuna.Study, trial: FrozenTrial, param_name: str, param_distribution: BaseDistribution
    ) -> Any:
        """By the other sampler, where the space is not known."""
        return self._sampler.sample_independent(study, trial, param_name, param_distribution)

    def before_trial(self, study: optuna.Study, trial: FrozenTrial) -> None:
        """As the other sampler does."""
        self._sampler.before_trial(study, trial)

    def after_trial(self, study: optuna.Study, trial: FrozenTrial, state: optuna.trial.TrialState, values: Any) -> None:
        """As the other sampler does."""
        self._sampler.after_trial(study, trial, state, values)

    def _drawn(self, study: optuna.Study, trial: FrozenTrial, known: KnownSpace) -> dict[str, Any]:
        """All knobs by the other sampler: jointly where it does so, the others one by one."""
        jointly = self._sampler.infer_relative_search_space(study, trial)
        found = self._sampler.sample_relative(study, trial, jointly)
        for name, distribution in known.distributions.items():
            if name not in found:
                found[name] = self._sampler.sample_independent(study, trial, name, distribution)
        return found

    def _around(self, first: Candidate, known: KnownSpace) -> Iterator[Candidate]:
        """The draw, then students that differ in one choice, in two, and so on, each ring shuffled."""
        seen, ring = {first.student_id}, [first]
        for _ in range(_FAR + 1):
            yield from ring
            around = [each for inner in ring for each in known.neighbours(inner.knobs)] if len(seen) < _AROUND else []
            ring = list({each.student_id: each for each in around if each.student_id not in seen}.values())
            self._rng.shuffle(ring)
            ring = ring[:_AROUND]
            seen |= {each.student_id for each in ring}

    def _random(self, study: optuna.Study) -> Candidate | None:
        if self._known is None:
            return None
        trials = study.get_trials(deepcopy=False)
        drawn = self._known.drawn(trials)
        draws = (self._known.draw(self._rng) for _ in range(_TRIES))
        found = (each for each in draws if each.passes and each.student_id not in drawn)
        return next(found, None) or next(iter(self._known.misses(trials)), None)
