"""Which variants each layer of a teacher may have in a space, and what holds for a student as a whole."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import TypeVar

from compress.core import TrackerSpec
from compress.spaces import NEVER, Scalar, Space
from compress.surgery import AttentionVariant, MlpVariant, Skip, Variant, check_layers, own_variants, variants_of

_MOST = {"dr_ratio": 3, "heads": 3, "mlp_ratio": 4}
"""Choices of a knob that are taken into the library, spread over those of the space with both ends."""

_WHOLE = ("keep_ratio", "keep_after", "keep_by", "keep_template", "search_size", "template_size")
"""Knobs of whole trackers, which no variant of a layer has."""

_MOST_SPECS = 4096

_Variant = TypeVar("_Variant", AttentionVariant, MlpVariant)


@dataclass(frozen=True)
class Grid:
    """The variants of every layer.

    Attributes:
        attentions, mlps: By the teacher's layer; the teacher's own come first.
        depth: Fewest and most layers of a student.
        whole: Kinds of attention that all layers of a student may have.
        shares: Lowest and highest share of AI layers in students of FE and AI layers; None where there are none.
    """

    teacher: TrackerSpec
    attentions: tuple[tuple[AttentionVariant, ...], ...]
    mlps: tuple[tuple[MlpVariant, ...], ...]
    depth: tuple[int, int]
    whole: tuple[str, ...]
    shares: tuple[float, float] | None

    def to_make(self, source: int) -> Iterator[Variant]:
        """The variants of one layer beside the teacher's own: those that have to be made."""
        own = own_variants(self.teacher, source)
        yield Skip(source)
        yield from (each for each in self.attentions[source] if each != own[0])
        yield from (each for each in self.mlps[source] if each != own[1])

    def holds(self, spec: TrackerSpec) -> bool:
        """Whether a student is made of these variants alone."""
        found = (variants_of(layer) for layer in spec.layers)
        made = all(a in self.attentions[a.source] and m in self.mlps[m.source] for a, m in found)
        return made and not (spec.bypass or spec.exits)


def thinned(space: Space, **fixed: tuple[Scalar, ...]) -> Space:
    """The space without what is decided per frame, and with fewer choices of widths.

    Search tokens and the sizes of crops stay as the teacher has them: a variant is scored by itself, among the
    teacher's other layers, on what these saw. Whether widths are chosen layer by layer makes no difference: every layer
    has all of its variants anyway.
    """
    left = {name: values for name, values in space.knobs.items() if name not in _WHOLE}
    knobs = {name: _spread(values, _MOST.get(name, len(values))) for name, values in left.items()}
    never = {"bypass": (NEVER,), "exits": (NEVER,)}
    return Space(space.name, {**knobs, **{k: v for k, v in never.items() if k in knobs}, **fixed})


def grid_of(space: Space, teacher: TrackerSpec) -> Grid:
    """The variants that students of a space are made of, at every layer.

    A kind of attention that some layer may have any layer may have; widths are those that a layer has in some student.

    Raises:
        UsageError: a teacher whose layers cannot be varied one by one.
    """
    check_layers(teacher)
    full = len(teacher.layers)
    everywhere = thinned(space, depth=(full,), layers=("even",))
    specs = list(islice(everywhere.enumerate(teacher), _MOST_SPECS))
    split = [spec.count("AI") / full for spec in specs if spec.attention == "split"]
    whole = tuple(dict.fromkeys(spec.attention for spec in specs if spec.attention != "split"))
    kinds = (*whole, *(("FE", "AI") if split else ()))
    found = [[variants_of(spec.layers[i]) for spec in specs] for i in range(full)]
    attentions, mlps = [], []
    for i, pairs in enumerate(found):
        own = own_variants(teacher, i)
        widths = dict.fromkeys((attention.dims, attention.heads) for attention, _ in pairs)
        # The last layer is never FE: at least one AI comes behind those.
        mine = kinds if i + 1 < full else [kind for kind in kinds if kind != "FE"]
        every = (AttentionVariant(i, kind, *width) for kind in mine for width in widths)
        attentions.append(_first(own[0], every))
        mlps.append(_first(own[1], (mlp for _, mlp in pairs)))
    depths = [int(depth) for depth in space.choices(teacher).get("depth", (full,))]
    shares = (min(split), max(split)) if split else None
    return Grid(teacher, tuple(attentions), tuple(mlps), (min(depths), max(depths)), whole, shares)


def _first(own: _Variant, others: Iterable[_Variant]) -> tuple[_Variant, ...]:
    """All that are offered, each once; the teacher's own first, where it is among them."""
    offered = dict.fromkeys(others)
    return tuple(sorted(offered, key=lambda each: each != own))


def _spread(values: tuple[Scalar, ...], most: int) -> tuple[Scalar, ...]:
    if len(values) <= most:
        return values
    return tuple(values[round(i * (len(values) - 1) / (most - 1))] for i in range(most))
