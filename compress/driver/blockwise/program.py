"""The integer program: one choice for every layer, so that the losses are least and the costs within a bound.

A multiple-choice knapsack, solved exactly by HiGHS. Trackers of FE and AI layers are solved once for each place where
AI begins, which keeps the order and leaves each program small.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

SKIP = "skip"


class Choice(NamedTuple):
    """What may take the place of a layer.

    Attributes:
        kind: Its attention, or `SKIP`.
        cost: Milliseconds.
        loss: In any unit that can be added up.
    """

    kind: str
    cost: float
    loss: float


@dataclass(frozen=True)
class Structure:
    """What is fixed of a student before its layers are chosen: the kinds of attention that every layer may have.

    Attributes:
        base: What a student costs beside its layers.
        kinds: By layer.
        shares: Lowest and highest share of AI layers, of which there is at least one; None where none is demanded.
    """

    base: float
    kinds: tuple[str, ...]
    shares: tuple[float, float] | None = None


Solution = tuple[int, ...]
"""The index of each layer's choice."""


@dataclass(frozen=True)
class Program:
    """Everything but the bound.

    Attributes:
        layers: The choices of each layer.
        depth: Fewest and most layers that are not skipped.
    """

    layers: tuple[tuple[Choice, ...], ...]
    structures: tuple[Structure, ...]
    depth: tuple[int, int]

    def cost(self, structure: Structure, solution: Solution) -> float:
        """Milliseconds of a solution."""
        return structure.base + sum(layer[c].cost for layer, c in zip(self.layers, solution, strict=True))

    def loss(self, solution: Solution) -> float:
        """Of all layers together."""
        return sum(layer[c].loss for layer, c in zip(self.layers, solution, strict=True))

    def valid(self, structure: Structure, solution: Solution) -> bool:
        """Whether a solution keeps to the kinds, the depth and the share of AI layers."""
        kinds = [layer[c].kind for layer, c in zip(self.layers, solution, strict=True)]
        kept = sum(kind != SKIP for kind in kinds)
        fit = all(kind in (SKIP, own) for kind, own in zip(kinds, structure.kinds, strict=True))
        within = structure.shares is None or _within(kinds.count("AI"), kept, structure.shares)
        return fit and self.depth[0] <= kept <= self.depth[1] and within

    def solve(
        self, structure: Structure, bound: float, *, others: Sequence[Solution] = (), same: int = 0
    ) -> Solution | None:
        """The solution of least loss that costs at most `bound`; None where there is none.

        Args:
            others: Solutions that it shares at most `same` choices with, each.
        """
        from scipy.optimize import Bounds, LinearConstraint, milp
        from scipy.sparse import csr_array

        places = [(i, c) for i, layer in enumerate(self.layers) for c in self._useful(structure, i, layer, others)]
        choices = [self.layers[i][c] for i, c in places]
        cost = np.array([choice.cost for choice in choices])
        scale = bound if 0 < bound < np.inf else 1.0  # the solver's tolerance is absolute
        rows = [
            (cost / scale, -np.inf, (bound - structure.base) / scale),
            *((np.array([place[0] == i for place in places], dtype=float), 1.0, 1.0) for i in range(len(self.layers))),
            *self._whole(structure, np.array([choice.kind for choice in choices])),
            *((np.array([other[i] == c for i, c in places], dtype=float), -np.inf, float(same)) for other in others),
        ]
        left, low, high = zip(*rows, strict=True)
        found = milp(
            np.array([choice.loss for choice in choices]),
            constraints=LinearConstraint(csr_array(np.array(left)), np.array(low), np.array(high)),
            integrality=np.ones(len(places)),
            bounds=Bounds(0, 1),
            options={"mip_rel_gap": 1e-6, "time_limit": 10.0},
        )
        if found.x is None:
            return None
        chosen = dict(place for place, x in zip(places, found.x, strict=True) if x > 0.5)
        return tuple(chosen[i] for i in range(len(self.layers)))

    def _whole(self, structure: Structure, kind: np.ndarray) -> Iterator[tuple[np.ndarray, float, float]]:
        """Rows with their limits that say what holds for a student as a whole."""
        kept, interacting = (kind != SKIP).astype(float), (kind == "AI").astype(float)
        yield kept, float(self.depth[0]), float(self.depth[1])
        if structure.shares is not None:
            least, most = structure.shares
            yield interacting, 1.0, np.inf
            yield interacting - least * kept, -_HALF, np.inf
            yield interacting - most * kept, -np.inf, _HALF

    def _useful(
        self, structure: Structure, i: int, layer: Sequence[Choice], others: Sequence[Solution]
    ) -> Iterator[int]:
        """Choices of a layer that fit the structure and that none dominates; those of other solutions always count."""
        fit = [c for c, each in enumerate(layer) if each.kind in (SKIP, structure.kinds[i])]
        taken = {other[i] for other in others}
        for c in fit:
            rivals = (layer[r] for r in fit if r != c and layer[r].kind == layer[c].kind and r not in taken)
            if c in taken or not any(_dominates(rival, layer[c]) for rival in rivals):
                yield c


_HALF = 0.5 + 1e-9
"""Shares of layers are rounded to whole ones."""


def _within(interacting: int, kept: int, shares: tuple[float, float]) -> bool:
    least, most = shares
    return interacting >= 1 and least * kept - _HALF <= interacting <= most * kept + _HALF


def _dominates(a: Choice, b: Choice) -> bool:
    return a.cost <= b.cost and a.loss <= b.loss and (a.cost, a.loss) != (b.cost, b.loss)
