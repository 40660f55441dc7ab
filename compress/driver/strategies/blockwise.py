"""Students put together of layer variants, for the strategy `blockwise`, which promotes them as `halving` does."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from itertools import islice

from compress.core import TrackerSpec
from compress.core.progress import no_progress
from compress.driver.blockwise.choices import LayerChoices
from compress.driver.blockwise.library import LayerLibrary
from compress.driver.blockwise.plans import Plans
from compress.driver.trials import Trials
from compress.surgery import Variant

PROGRAM, UNIFORM, GREEDY, RANDOM = "integer program", "uniform", "greedy", "random"
"""How the layers of a student were chosen, as its record says it; the last three are the controls."""

_CONTROLS = 1 / 8
"""Share of the students that each kind of control has, at least one."""

_AT_A_BOUND = 3
"""Students that the integer program gives at each bound."""

Planned = tuple[str, TrackerSpec]


class LayerwiseStudents:
    """New students, one after the other, at bounds that fill the range of latencies ever more finely.

    Random controls come first: they need no scores, so that the library is made by the workers that put them together.

    Args:
        students: How many there will be in all.
        library: Read when the first student is asked for.
        bound_ms: Milliseconds that the slowest may take.
    """

    def __init__(
        self, trials: Trials, library: Callable[[], LayerLibrary], *, students: int, seed: int, bound_ms: float
    ) -> None:
        self._trials, self._library, self._students, self._seed = trials, library, students, seed
        self._bound_ms = bound_ms
        self._planned = self._plan()
        self._known = set(trials.elsewhere)  # only what is the same when this session is continued

    def ask(self, count: int) -> list[int]:
        """Trials of new students, at most `count`; fewer where no further ones are found."""
        return list(islice(self._numbers(), max(0, count)))

    def _numbers(self) -> Iterator[int]:
        for origin, spec in self._planned:
            if spec.student_id not in self._known:
                self._known.add(spec.student_id)
                yield from self._trials.propose([spec], origin)

    def _plan(self) -> Iterator[Planned]:
        controls = max(1, round(_CONTROLS * self._students))
        drawn = self._plans({})
        for number, bound in enumerate(_finer(drawn.bounds(self._bound_ms, controls))):
            yield from ((RANDOM, spec) for spec in drawn.at_random(bound, number))
        plans = self._plans({each: score.loss for each, score in self._library().scores(no_progress).items()})
        at = max(1, -(-(self._students - 3 * controls) // _AT_A_BOUND))
        bounds = _finer(plans.bounds(self._bound_ms, max(at, controls)))
        for number, bound in enumerate(bounds):
            yield from ((PROGRAM, spec) for spec in plans.by_program(bound, _AT_A_BOUND))
            if number < controls:
                yield from ((UNIFORM, spec) for spec in plans.uniform(bound))
                yield from ((GREEDY, spec) for spec in plans.greedy(bound))

    def _plans(self, losses: Mapping[Variant, float]) -> Plans:
        library = self._library()
        return Plans(LayerChoices(library.grid, self._trials.bound_figure, losses), library.space, self._seed)


def _finer(bounds: list[float]) -> list[float]:
    """The first and the last, then those halfway between, and so on, so that any beginning of it is spread."""
    order: list[int] = []
    for step in (len(bounds) - 1 >> shift for shift in range(len(bounds).bit_length() + 1)):
        order += [i for i in range(0, len(bounds), max(1, step)) if i not in order]
    return [bounds[i] for i in dict.fromkeys([*order, *range(len(bounds))])]


def layerwise_students(trials: Trials, students: int) -> LayerwiseStudents:
    """The students of a search, with the library of its setup."""

    def library() -> LayerLibrary:
        from compress.driver.worker import students_of

        found = students_of(trials.setup).library
        assert found is not None
        return found

    return LayerwiseStudents(trials, library, students=students, seed=trials.setup.seed, bound_ms=trials.bound_ms)
