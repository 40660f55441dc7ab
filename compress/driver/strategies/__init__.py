"""Strategies: which students a search trains, and how far. One registry, `STRATEGIES`, can be added to from outside.

A strategy asks `Trials` for students, proposes jobs for them, and finishes the trials that go no further. The search
loop runs the jobs and keeps the books, and knows no strategy by name.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol

from compress.core import Registry

if TYPE_CHECKING:
    from compress.driver.jobs import TrialJob, TrialResult
    from compress.driver.trials import Trials


class StrategySettings(Protocol):
    """What strategies read of the settings of a search."""

    @property
    def students(self) -> int:
        """Students to train in all, those of earlier searches of the run included."""

    @property
    def generation(self) -> int | None:
        """Students that compete with each other; None for all."""

    @property
    def eta(self) -> int:
        """Of so many students one goes on to the next rung."""

    @property
    def members(self) -> int:
        """Students that go on to the end, where there are so many."""


class Strategy(Protocol):
    """Proposes jobs, learns from their results, says when it is done.

    It goes on where a stopped search was: what that left open is in `Trials.unfinished`.
    """

    @property
    def done(self) -> bool:
        """Whether nothing further will be proposed."""

    @property
    def planned_work(self) -> float:
        """What is left to do in units of `Trials.work`, as far as it can be foreseen; for progress only."""

    def propose(self, count: int) -> list[TrialJob]:
        """At most `count` jobs that can run now, beside those whose results are still awaited.

        None where it has to wait for results first; where none is awaited, it is done.
        """

    def observe(self, result: TrialResult) -> None:
        """Learn the result of a proposed job; its trial holds what was found already, see `Trials.add`.

        A trial that goes no further is finished now, by `Trials.finish`.
        """

    def stop(self) -> None:
        """Begin nothing new, since the time is over: propose only what brings to an end what has begun."""


STRATEGIES = Registry[Callable[["Trials", StrategySettings], Strategy]]("strategy")
"""By the name that `--strategy` takes: makes a strategy from the trials of a search and its settings."""


SHARED_WEIGHTS = {"elastic"}
"""Strategies whose students start as slices of one network, trained once, rather than from the teacher's weights."""

LAYER_VARIANTS = {"blockwise"}
"""Strategies whose students are put together of variants of single layers, each distilled by itself."""


@STRATEGIES.register
def halving(trials: Trials, settings: StrategySettings) -> Strategy:
    """Successive halving: many students are scored with inherited weights, one in `eta` goes on at every rung."""
    return _halving(trials, settings)


@STRATEGIES.register
def elastic(trials: Trials, settings: StrategySettings) -> Strategy:
    """The same with students that start as slices of weights that all of them share."""
    return _halving(trials, settings)


@STRATEGIES.register
def blockwise(trials: Trials, settings: StrategySettings) -> Strategy:
    """The same with students put together of variants of single layers, which an integer program chooses."""
    from compress.driver.strategies.blockwise import layerwise_students

    return _halving(trials, settings, layerwise_students(trials, settings.students).ask)


def _halving(trials: Trials, settings: StrategySettings, ask: Callable[[int], list[int]] | None = None) -> Strategy:
    from compress.driver.strategies.halving import Halving

    return Halving(
        trials,
        students=settings.students,
        generation=settings.generation,
        eta=settings.eta,
        members=settings.members,
        ask=ask,
    )
