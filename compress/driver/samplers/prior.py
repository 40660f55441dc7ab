"""Students that published ablations promise, at first; then those that the results of this search promise."""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from typing import Any

import numpy as np
import optuna
from numpy.typing import NDArray
from optuna.distributions import BaseDistribution
from optuna.trial import FrozenTrial, TrialState
from threadpoolctl import threadpool_limits

from compress.core import TrackerSpec, UsageError
from compress.driver.samplers.known_space import Candidate, KnownSpace
from compress.driver.samplers.surrogate import expected_gain, fit
from compress.prior import UnpricedError, retention
from compress.spaces import Space
from compress.spaces.patterns import exact_number

Array = NDArray[np.float64]

_LISTED = 2000
"""Combinations of choices up to which all students of a space are candidates; of a larger space, draws from it."""
_DRAWS = 96
"""Students that are drawn from a larger space for each trial there is, and stay candidates until they are taken."""
_ROUNDS = 20
"""Times so many are drawn where no candidate is left, before the space counts as exhausted."""
_SEEN = 0.5
"""Share of the candidates that a draw is the best of, so that two draws from the same results differ."""
_WEIGHED = 512
"""Candidates at most that a draw is the best of."""
_FITTED = 256
"""Results that the regression is fitted to; of more, the latest."""
_UNPRICED = (0.7, 0.3)
"""Mean and deviation of the share of accuracy that is kept, where nothing is published about a change."""


class PriorSampler(optuna.samplers.BaseSampler):
    """Draws the candidate from which most hypervolume is expected: by the published ablations with the probability
    exp(−n²/d) after n results of a space of d knobs, by a regression on the results otherwise.

    As in PriMO (NePS), a prior that is wrong is soon left behind. Latency is known exactly before training, so that the
    ablations and the regression speak of accuracy alone; the regression knows what the ablations promise as one
    feature among others, and finds by itself what that is worth. Results of another fidelity than most have an offset
    of their own. Students under way count as if they had met what is expected of them.
    """

    def __init__(self, seed: int) -> None:
        self._seed, self._rng = seed, random.Random(seed)
        self._known: KnownSpace | None = None
        self._fallback = optuna.samplers.RandomSampler(seed=seed)
        self._pool: dict[str, Candidate] = {}
        self._promised: dict[str, tuple[float, float]] = {}
        self._rows: dict[str, list[float]] = {}
        self._codes: dict[str, dict[Any, list[float]]] = {}
        self._listed, self._rounds = False, 0

    def check(self, space: Space, teacher: TrackerSpec) -> None:
        """Every space will do."""

    def learn(self, known: KnownSpace) -> None:
        """Take in which students there are; of a small space all of them."""
        self._known, self._listed = known, known.combinations() <= _LISTED
        self._codes = _codes(known.choices)
        if self._listed:
            self._pool = {each.student_id: each for each in known.all() if each.passes}

    def reseed(self, seed: int) -> None:
        """Draw on from another seed; candidates stay, which follow from the first one and the number of trials."""
        self._rng, self._fallback = random.Random(seed), optuna.samplers.RandomSampler(seed=seed)

    def exhausted(self, study: optuna.Study) -> bool:
        """Whether no candidate is left, and none is found at random."""
        return self._known is not None and not self._candidates(study, self._known)

    def weight(self, results: int) -> float:
        """Probability that the next draw rests on the ablations alone."""
        knobs = 1 if self._known is None else max(1, len(self._known.choices))
        return math.exp(-(results**2) / knobs)

    def infer_relative_search_space(self, study: optuna.Study, trial: FrozenTrial) -> dict[str, BaseDistribution]:
        """All knobs."""
        return {} if self._known is None else self._known.distributions

    def sample_relative(
        self, study: optuna.Study, trial: FrozenTrial, search_space: dict[str, BaseDistribution]
    ) -> dict[str, Any]:
        """The choices of the most promising candidate; none where none is left."""
        if self._known is None or not (found := self._candidates(study, self._known)):
            return {}
        found = self._rng.sample(found, min(_WEIGHED, math.ceil(_SEEN * len(found))))
        trials = [each for each in study.get_trials(deepcopy=False) if each.params and each.number != trial.number]
        results = [each for each in trials if each.state == TrialState.COMPLETE]
        own = sum("fixed_params" not in each.system_attrs for each in results)
        by_prior = not results or self._rng.random() < self.weight(own)
        under_way = [each for each in trials if each.state == TrialState.RUNNING]
        # Matrices of a few hundred rows: threads would only wait for each other, beside workers all the more.
        with threadpool_limits(1, user_api="blas"):
            gain = (
                self._by_prior(self._known, found, [*results, *under_way])
                if by_prior
                else self._by_results(self._known, found, results, under_way)
            )
        return dict(found[int(np.argmax(gain))].knobs)

    def sample_independent(
        self, study: optuna.Study, trial: FrozenTrial, param_name: str, param_distribution: BaseDistribution
    ) -> Any:
        """At random, where the space is not known."""
        return self._fallback.sample_independent(study, trial, param_name, param_distribution)

    def _candidates(self, study: optuna.Study, known: KnownSpace) -> list[Candidate]:
        """Students within the bound that were not drawn; a large space gives some more for every trial.

        Where there are none, and never were, one that comes near.
        """
        trials = study.get_trials(deepcopy=False)
        drawn, count = known.drawn(trials), sum(bool(each.params) for each in trials)
        # All rounds up to now, so that a search that was stopped has the candidates of one that was not.
        while not self._listed and self._rounds <= count:
            self._pool |= self._round(known, f"{self._rounds}")
            self._rounds += 1
        for name in drawn:
            self._pool.pop(name, None)
        if self._pool or self._listed:
            return list(self._pool.values()) or known.misses(trials)
        rounds = (self._round(known, f"{count} {i}") for i in range(_ROUNDS))
        fresh = ([each for name, each in found.items() if name not in drawn] for found in rounds)
        return next((found for found in fresh if found), []) or known.misses(trials)

    def _round(self, known: KnownSpace, name: str) -> dict[str, Candidate]:
        """Students within the bound among `_DRAWS`, the same ones whenever they are drawn."""
        rng = random.Random(f"{self._seed} {name}")
        return {each.student_id: each for each in (known.draw(rng) for _ in range(_DRAWS)) if each.passes}

    def _by_prior(self, known: KnownSpace, found: list[Candidate], trials: Sequence[FrozenTrial]) -> Array:
        """In shares of the teacher's accuracy, also of what was trained already."""
        taken = [known.of(each.params) for each in trials]
        promised = np.array([self._promise(known, each) for each in found])
        front = np.array([(each.ms, self._promise(known, each)[0]) for each in taken]).reshape(-1, 2)
        ms = np.array([each.ms for each in found])
        return expected_gain(ms, promised[:, 0], promised[:, 1], front, _bound(found, taken))

    def _by_results(
        self, known: KnownSpace, found: list[Candidate], results: list[FrozenTrial], under_way: list[FrozenTrial]
    ) -> Array:
        results = results[-_FITTED:]
        kinds = [_fidelity(each) for each in results]
        main = max(sorted(set(kinds)), key=kinds.count)
        others = sorted(set(kinds) - {main})
        taken, waiting = ([known.of(each.params) for each in group] for group in (results, under_way))
        offsets = np.array([[kind == other for other in others] for kind in kinds], dtype=np.float64)
        values = np.array([each.values[1] for each in results])
        model = fit(np.hstack([self._features(known, taken), offsets.reshape(len(taken), -1)]), values)

        def predict(students: list[Candidate]) -> tuple[Array, Array]:
            return model.predict(np.hstack([self._features(known, students), np.zeros((len(students), len(others)))]))

        front = [(r.values[0], r.values[1]) for r, kind in zip(results, kinds, strict=True) if kind == main]
        if waiting:
            front += zip((each.ms for each in waiting), predict(waiting)[0], strict=True)
        mean, deviation = predict(found)
        ms = np.array([each.ms for each in found])
        return expected_gain(ms, mean, deviation, np.array(front), _bound(found, taken))

    def _features(self, known: KnownSpace, students: list[Candidate]) -> Array:
        """(n, f): what the ablations promise, latency, numbers as they are, and other choices one by one."""
        for each in students:
            if each.student_id not in self._rows:
                row = [self._promise(known, each)[0], math.log(each.ms)]
                for name, codes in self._codes.items():
                    # All 0 where a knob does not apply.
                    row += codes[each.knobs[name]] if name in each.knobs else [0.0] * len(next(iter(codes.values())))
                self._rows[each.student_id] = row
        return np.array([self._rows[each.student_id] for each in students], dtype=np.float64)

    def _promise(self, known: KnownSpace, student: Candidate) -> tuple[float, float]:
        """Mean and deviation of the share of the teacher's accuracy that a student keeps."""
        if student.student_id not in self._promised:
            try:
                kept = retention(known.teacher, student.spec)
                self._promised[student.student_id] = kept.mean, max(0.01, (kept.high - kept.low) / 4)
            except (UnpricedError, UsageError):
                self._promised[student.student_id] = _UNPRICED
        return self._promised[student.student_id]


def _codes(choices: dict[str, tuple[Any, ...]]) -> dict[str, dict[Any, list[float]]]:
    """What choices are to the regression, by knob: numbers from 0 to 1 by rank; of other knobs one for each choice."""
    found: dict[str, dict[Any, list[float]]] = {}
    for name, values in choices.items():
        numbers = [exact_number(value) for value in values]
        if None in numbers:
            found[name] = {value: [float(value == other) for other in values] for value in values}
        else:
            ranks = sorted(float(number) for number in numbers if number is not None)
            most = max(1, len(values) - 1)
            found[name] = {
                value: [ranks.index(float(number)) / most]
                for value, number in zip(values, numbers, strict=True)
                if number is not None
            }
    return found


def _fidelity(trial: FrozenTrial) -> str:
    record = trial.user_attrs.get("record")
    return str(record.get("fidelity")) if isinstance(record, dict) else ""


def _bound(found: list[Candidate], taken: list[Candidate]) -> float:
    """A little more than the slowest student that keeps the bound: the reference point's latency."""
    return 1.02 * max(each.ms for each in [*found, *(each for each in taken if each.passes)])
