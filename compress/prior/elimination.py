"""What candidate elimination costs: free as OSTrack has it, then by what is published of fewer tokens."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from typing import NamedTuple

import numpy as np

from compress.core import TrackerSpec
from compress.prior.ablations import read_table, share

_DEPTH = 12
"""Layers of every published ViT with elimination."""


class Scarcity(NamedTuple):
    """How many times fewer search tokens there are than without elimination, less one.

    Attributes:
        layers: For the mean of the layers: attention sees what enters a layer, the MLP what it passes on.
        head: For the head.
    """

    layers: float
    head: float

    def beyond(self, other: Scarcity) -> float:
        """The sum of what each is above `other`."""
        return max(0.0, self.layers - other.layers) + max(0.0, self.head - other.head)


@dataclass(frozen=True)
class EliminationRow:
    """A published tracker with elimination, beside itself without.

    Attributes:
        log_retention: ln of the share of accuracy kept.
        source: Paper, and where in it.
    """

    scarcity: Scarcity
    log_retention: float
    source: str


@dataclass(frozen=True)
class EliminationModel:
    """ln retention = −rate · what is beyond `free`.

    Attributes:
        free: What OSTrack eliminates (0.7 at layers 3, 6 and 9) without losing accuracy.
        rate: Through the rows that eliminate more, by least squares; not below 0.
        most: Beyond `free`, the most that is published; what lies further is extrapolated.
    """

    free: Scarcity
    rate: float
    most: float

    def loss(self, spec: TrackerSpec) -> float:
        """−ln of the share kept, against the same tracker without elimination and with all of its template."""
        return self._search_loss(spec) + self._template_loss(spec)

    def extrapolated(self, spec: TrackerSpec) -> float:
        """The part of `loss` that no published row reaches: all of what the template costs."""
        return max(0.0, self._search_loss(spec) - self.rate * self.most) + self._template_loss(spec)

    def _search_loss(self, spec: TrackerSpec) -> float:
        return self.rate * scarcity_of(spec).beyond(self.free)

    def _template_loss(self, spec: TrackerSpec) -> float:
        """As if as many times fewer search tokens went through all layers; the head reads no template."""
        return self.rate * (spec.template_patches / len(spec.template_places) - 1)


def scarcity_of(spec: TrackerSpec) -> Scarcity:
    """Of a tracker's search tokens."""
    after = [count / spec.search_tokens for count in spec.search_tokens_after]
    return _scarcity(after)


@cache
def elimination_rows() -> tuple[EliminationRow, ...]:
    """Every row of the shipped table."""
    return tuple(
        EliminationRow(
            _scarcity(_shares([int(i) for i in cells["layers"].split()], float(cells["keep"]))),
            float(np.log(share(cells["value"]) / share(cells["without"]))),
            f"{cells['tracker']} ({cells['paper']}, {cells['table']})",
        )
        for cells in read_table("elimination")
    )


@cache
def elimination_model() -> EliminationModel:
    """Fitted to the shipped table, on first use."""
    first, *others = elimination_rows()
    beyond = np.array([row.scarcity.beyond(first.scarcity) for row in others])
    losses = np.array([-row.log_retention for row in others])
    rate = float(beyond @ losses / (beyond @ beyond))
    return EliminationModel(first.scarcity, max(0.0, rate), float(beyond.max()))


def _shares(layers: list[int], keep: float) -> list[float]:
    """The share of search tokens that each layer of a published tracker passes on."""
    return [keep ** sum(each <= i for each in layers) for i in range(_DEPTH)]


def _scarcity(after: Iterable[float]) -> Scarcity:
    passed_on = list(after)
    entering = [1.0, *passed_on[:-1]]
    mean = float(np.mean(entering) + np.mean(passed_on)) / 2
    return Scarcity(1 / mean - 1, 1 / passed_on[-1] - 1)
