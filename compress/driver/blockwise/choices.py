"""The integer program of a teacher's variants under a latency model: costs made linear, and solutions as students."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import product

from compress.core import Attention, LayerSpec, TrackerSpec
from compress.driver.blockwise.grid import Grid
from compress.driver.blockwise.program import SKIP, Choice, Program, Solution, Structure
from compress.surgery import Skip, Variant, layer_of, own_variants, variants_of

_ROUNDS = 5
"""Programs at most that are solved until the prediction of a solution fits the bound."""

_TOLERANCE = 1e-5
"""Share of the bound that a solution is to keep away from it, once one was over it: more than the solver's own."""

_SLACK = 0.005
"""Share of the bound that may be left over where the linear costs were too high."""


@dataclass(frozen=True)
class LayerChoices:
    """What the layers of a student may be.

    Attributes:
        predict: Milliseconds of a whole tracker.
        losses: Of every variant but the teacher's own, which lose nothing.
    """

    grid: Grid
    predict: Callable[[TrackerSpec], float]
    losses: Mapping[Variant, float]

    @cached_property
    def options(self) -> tuple[tuple[LayerSpec | None, ...], ...]:
        """Of every layer of the teacher: None to skip it, then what may stand in its place."""
        grid = self.grid
        pairs = zip(grid.attentions, grid.mlps, strict=True)
        return tuple((None, *(layer_of(grid.teacher, a, m) for a, m in product(*each))) for each in pairs)

    @cached_property
    def program(self) -> Program:
        """With the cost of each choice as it is in a student that has all layers.

        The cost is the difference that the model predicts for it; where costs do not add up, see `best`.
        """
        layers = []
        for i, options in enumerate(self.options):
            choices = [Choice(SKIP, 0.0, self.losses.get(Skip(i), 0.0))]
            for layer in options[1:]:
                assert layer is not None
                whole = self._reference(layer.attention, i)
                without = self._spec([*whole[:i], *whole[i + 1 :]])
                cost = self._ms([*whole[:i], layer, *whole[i + 1 :]]) - self._cached(without)
                choices.append(Choice(layer.attention, cost, sum(self._loss(each) for each in variants_of(layer))))
            layers.append(tuple(choices))
        program = Program(tuple(layers), (), self.grid.depth)
        return replace(program, structures=tuple(self._structures(program)))

    def spec(self, solution: Solution) -> TrackerSpec:
        """The student that a solution is."""
        chosen = (options[c] for options, c in zip(self.options, solution, strict=True))
        return self._spec([layer for layer in chosen if layer is not None])

    def solution(self, spec: TrackerSpec) -> Solution:
        """Inverse of `spec`, of a student that the grid holds."""
        kept = {layer.source: layer for layer in spec.layers}
        return tuple(options.index(kept.get(i)) for i, options in enumerate(self.options))

    def ms(self, solution: Solution) -> float:
        """The prediction for a solution."""
        return self._cached(self.spec(solution))

    def whole(self, structure: Structure) -> Solution:
        """The teacher's layers, attending as a structure says."""
        layers = [self._own(i, kind) for i, kind in enumerate(structure.kinds)]  # type: ignore[arg-type]
        return tuple(options.index(layer) for options, layer in zip(self.options, layers, strict=True))

    def fastest_ms(self) -> float | None:
        """Of all students; None where no program has a solution."""
        layers = tuple(tuple(each._replace(loss=each.cost) for each in layer) for layer in self.program.layers)
        cheap = replace(self.program, layers=layers)
        found = (cheap.solve(structure, math.inf) for structure in self.program.structures)
        return min((self.ms(each) for each in found if each is not None), default=None)

    def best(
        self, structure: Structure, bound: float, *, others: Sequence[Solution] = (), same: int = 0
    ) -> Solution | None:
        """The solution of least loss whose predicted latency is within `bound`; see `Program.solve`.

        Where the costs of layers do not add up, the program is solved again with the bound moved by as much as its
        last solution was predicted wrongly.
        """
        correction, found = 0.0, None
        for _ in range(_ROUNDS):
            solution = self.program.solve(structure, bound - correction, others=others, same=same)
            if solution is None:
                break
            ms = self.ms(solution)
            error = ms - self.program.cost(structure, solution)
            if ms <= bound and (found is None or self.program.loss(solution) < self.program.loss(found)):
                found = solution
            if ms <= bound and error > correction - _SLACK * bound:
                break
            correction = error + _TOLERANCE * bound
        return found

    def _structures(self, program: Program) -> list[Structure]:
        """One for each kind that all layers may have, and one for each layer at which AI may begin."""
        depth = len(self.options)
        found = [self._structure(program, (kind,) * depth) for kind in self.grid.whole]
        if self.grid.shares is not None:
            splits = (("FE",) * p + ("AI",) * (depth - p) for p in range(depth))
            found += [replace(self._structure(program, kinds), shares=self.grid.shares) for kinds in splits]
        return found

    def _structure(self, program: Program, kinds: tuple[str, ...]) -> Structure:
        """Its base is what the teacher, attending so, costs beside its layers."""
        structure = Structure(0.0, kinds)
        solution = self.whole(structure)
        return replace(structure, base=self.ms(solution) - program.cost(structure, solution))

    def _reference(self, kind: Attention, i: int) -> list[LayerSpec]:
        """The teacher's layers, attending so that layer i may be of a kind and may be left out."""
        depth = len(self.options)
        if kind not in ("FE", "AI"):
            return [self._own(j, kind) for j in range(depth)]
        first = i + 1 if kind == "FE" else i
        first = min(first, max(0, depth - 2)) if kind == "AI" else min(first, depth - 1)
        return [self._own(j, "FE" if j < first else "AI") for j in range(depth)]

    def _own(self, i: int, kind: Attention) -> LayerSpec:
        attention, mlp = own_variants(self.grid.teacher, i)
        wanted = replace(attention, attention=kind)
        if wanted not in self.grid.attentions[i]:
            wanted = next(each for each in self.grid.attentions[i] if each.attention == kind)
        return layer_of(self.grid.teacher, wanted, mlp if mlp in self.grid.mlps[i] else self.grid.mlps[i][0])

    def _loss(self, variant: Variant) -> float:
        own = variant in own_variants(self.grid.teacher, variant.source)
        return 0.0 if own else self.losses.get(variant, 0.0)

    def _spec(self, layers: Sequence[LayerSpec]) -> TrackerSpec:
        return replace(self.grid.teacher, layers=tuple(layers))

    def _ms(self, layers: Sequence[LayerSpec]) -> float:
        return self._cached(self._spec(layers))

    def _cached(self, spec: TrackerSpec) -> float:
        if spec not in self._known:
            self._known[spec] = self.predict(spec)
        return self._known[spec]

    @cached_property
    def _known(self) -> dict[TrackerSpec, float]:
        return {}
