"""Every student of a small space once."""

from __future__ import annotations

import random
from typing import Any

import optuna
from optuna.distributions import BaseDistribution
from optuna.trial import FrozenTrial

from compress.core import TrackerSpec, UsageError
from compress.driver.samplers.known_space import Candidate, KnownSpace
from compress.spaces import Space

MOST = 10_000
"""Combinations of choices, above which a space is refused."""


class ExhaustiveSampler(optuna.samplers.BaseSampler):
    """Draws every distinct student once, in an order drawn from `seed`; those over the bound too, for the record.

    What the trials of the study drew before, by whatever sampler, is left out.
    """

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self._order: list[Candidate] = []
        self._known: KnownSpace | None = None
        self._fallback = optuna.samplers.RandomSampler(seed=seed)

    def check(self, space: Space, teacher: TrackerSpec) -> None:
        """Refuse a space that is too large.

        Raises:
            UsageError: saying how large it is.
        """
        if (count := space.combinations(teacher)) > MOST:
            raise UsageError(
                f"The space {space.name or 'given'} has {count:,} combinations of choices, but the exhaustive sampler "
                f"goes through at most {MOST:,}. Give a smaller --space, or another --sampler."
            )

    def learn(self, known: KnownSpace) -> None:
        """List the students.

        Raises:
            UsageError: as `check`.
        """
        self.check(known.space, known.teacher)
        self._known, self._order = known, known.all()
        random.Random(self._seed).shuffle(self._order)

    def reseed(self, seed: int) -> None:
        """The order of the students stays."""
        self._fallback = optuna.samplers.RandomSampler(seed=seed)

    def exhausted(self, study: optuna.Study) -> bool:
        """Whether all were drawn."""
        return self._next(study) is None

    def infer_relative_search_space(self, study: optuna.Study, trial: FrozenTrial) -> dict[str, BaseDistribution]:
        """All knobs."""
        return {} if self._known is None else self._known.distributions

    def sample_relative(
        self, study: optuna.Study, trial: FrozenTrial, search_space: dict[str, BaseDistribution]
    ) -> dict[str, Any]:
        """The choices of the next student; none where none is left."""
        found = self._next(study)
        return {} if found is None else dict(found.knobs)

    def sample_independent(
        self, study: optuna.Study, trial: FrozenTrial, param_name: str, param_distribution: BaseDistribution
    ) -> Any:
        """At random, where the space is not known."""
        return self._fallback.sample_independent(study, trial, param_name, param_distribution)

    def _next(self, study: optuna.Study) -> Candidate | None:
        if self._known is None:
            return None
        drawn = self._known.drawn(study.get_trials(deepcopy=False))
        return next((each for each in self._order if each.student_id not in drawn), None)
