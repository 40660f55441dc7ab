"""Students along the front of a bound: by the integer program, and as controls uniform, greedy and random ones."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import islice

from compress.core import TrackerSpec
from compress.driver.blockwise.choices import LayerChoices
from compress.driver.blockwise.grid import thinned
from compress.driver.blockwise.program import SKIP, Program, Solution, Structure
from compress.spaces import Space

ALIKE = 0.75
"""Share of its layers that a further solution at a bound may have in common with each that was found there (Puzzle)."""

_SPECS, _DRAWS, _MOVES, _NEAR = 5000, 8, 500, 0.05


@dataclass(frozen=True)
class Plans:
    """Chooses students within bounds of latency, in milliseconds.

    Attributes:
        space: Whose own specs are the uniform students.
    """

    choices: LayerChoices
    space: Space
    seed: int

    def bounds(self, most: float, count: int) -> list[float]:
        """From `most` down to a little above the fastest student, evenly by ratio; none where none is within `most`."""
        fastest = self.choices.fastest_ms()
        if fastest is None or fastest > most:
            return []
        low = min(most, 1.15 * fastest)
        return [most * (low / most) ** (i / max(1, count - 1)) for i in range(count)]

    def by_program(self, bound: float, count: int) -> list[TrackerSpec]:
        """Solutions of least loss: the best of each attention as a whole, then others that are unlike those."""
        split = [each for each in self._structures if each.shares is not None]
        groups = [[each] for each in self._structures if each.shares is None] + ([split] if split else [])
        best = [each for group in groups if (each := self._best(group, bound, ())) is not None]
        found = sorted(best, key=self._program.loss)
        while len(found) < count and (further := self._best(self._structures, bound, found)) is not None:
            found.append(further)
        return [self.choices.spec(each) for each in found[:count]]

    def uniform(self, bound: float, count: int = 1) -> list[TrackerSpec]:
        """Of the space's own specs those of least loss, by the same scores; none where none is so fast."""
        fit = sorted((loss, i) for i, (spec, ms, loss) in enumerate(self._uniform) if ms <= bound)
        return [self._uniform[i][0] for _, i in fit[:count]]

    def greedy(self, bound: float) -> list[TrackerSpec]:
        """From the teacher's layers on, always the change that loses least for each millisecond that it saves."""
        found = [each for structure in self._structures if (each := self._greedy(structure, bound)) is not None]
        return [self.choices.spec(min(found, key=self._program.loss))] if found else []

    def at_random(self, bound: float, number: int) -> list[TrackerSpec]:
        """Choices drawn from the library, and some drawn again until the student is within the bound and near it."""
        rng = random.Random(f"{self.seed} {number}")
        found = (self._drawn(rng, bound) for _ in range(_DRAWS))
        return next(([self.choices.spec(each)] for each in found if each is not None), [])

    def _drawn(self, rng: random.Random, bound: float) -> Solution | None:
        structure, skipped = rng.choice(self._structures), rng.random()
        offered = [self._offered(structure, i) for i in range(len(self._program.layers))]

        def draw(i: int) -> int:
            return 0 if rng.random() < skipped else rng.choice(offered[i][1:])

        solution: Solution = tuple(map(draw, range(len(offered))))
        for _ in range(_MOVES):
            miss = self._miss(structure, solution, bound)
            if miss == 0 and self.choices.ms(solution) <= bound:
                return solution
            i = rng.randrange(len(offered))
            moved = (*solution[:i], draw(i), *solution[i + 1 :])
            solution = moved if self._miss(structure, moved, bound) <= miss else solution
        return None

    @property
    def _program(self) -> Program:
        return self.choices.program

    @property
    def _structures(self) -> tuple[Structure, ...]:
        return self._program.structures

    def _best(self, structures: Sequence[Structure], bound: float, others: Sequence[Solution]) -> Solution | None:
        """Over several structures; those whose solution without `others` is worse already are not solved again."""
        same, found = int(ALIKE * len(self._program.layers)), None
        for loss, structure in sorted(self._alone(structures, bound), key=lambda each: each[0]):
            if found is not None and loss >= self._program.loss(found):
                break
            further = self.choices.best(structure, bound, others=others, same=same)
            if further is not None and (found is None or self._program.loss(further) < self._program.loss(found)):
                found = further
        return found

    def _alone(self, structures: Sequence[Structure], bound: float) -> Iterator[tuple[float, Structure]]:
        """The least loss of each structure within a bound, where it has a solution."""
        for structure in structures:
            if (key := (structure, bound)) not in self._solved:
                solution = self.choices.best(structure, bound)
                self._solved[key] = None if solution is None else self._program.loss(solution)
            if (loss := self._solved[key]) is not None:
                yield loss, structure

    @cached_property
    def _solved(self) -> dict[tuple[Structure, float], float | None]:
        return {}

    @cached_property
    def _uniform(self) -> list[tuple[TrackerSpec, float, float]]:
        """Static specs of the space with prediction and loss, as far as the library holds them."""
        grid = self.choices.grid
        specs = islice(thinned(self.space).enumerate(grid.teacher), _SPECS)
        fit = [spec for spec in specs if grid.holds(spec)]
        return [(s, self.choices.predict(s), self._program.loss(self.choices.solution(s))) for s in fit]

    def _offered(self, structure: Structure, i: int) -> list[int]:
        """Choices of a layer that fit a structure, the first of which skips it."""
        return [c for c, each in enumerate(self._program.layers[i]) if each.kind in (SKIP, structure.kinds[i])]

    def _greedy(self, structure: Structure, bound: float) -> Solution | None:
        program = self._program
        offered = [self._offered(structure, i) for i in range(len(program.layers))]
        solution = self.choices.whole(structure)
        while self.choices.ms(solution) > bound:
            moves = [
                ((now.loss - then.loss) / (then.cost - now.cost), i, c)
                for i, then in enumerate(program.layers[i][c] for i, c in enumerate(solution))
                for c in offered[i]
                if (now := program.layers[i][c]).cost < then.cost
                and program.valid(structure, (*solution[:i], c, *solution[i + 1 :]))
            ]
            if not moves:
                return None
            _, i, c = min(moves)
            solution = (*solution[:i], c, *solution[i + 1 :])
        return solution if program.valid(structure, solution) else None

    def _miss(self, structure: Structure, solution: Solution, bound: float) -> float:
        """How far a solution is, relatively, from what costs at most the bound and little less."""
        share = self._program.cost(structure, solution) / bound
        invalid = not self._program.valid(structure, solution)
        return max(0.0, share - 1, 1 - _NEAR - share) + invalid
