"""Makes the variants of a teacher's layers: cut, distilled and scored, layer after layer."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property

import torch
from torch import Tensor

from compress.distill.batches import FixedPairs
from compress.distill.blockwise.activations import LayerTokens, Walk, through
from compress.distill.blockwise.layers import half_of
from compress.distill.blockwise.scoring import Scorer, VariantScore
from compress.distill.blockwise.training import LocalRecipe, Rows, distill_half, local_loss
from compress.distill.inputs import to_input
from compress.distill.recipe import StudentRecipe
from compress.models import Tracker
from compress.surgery import (
    AttentionVariant,
    InputStatistics,
    Skip,
    State,
    Variant,
    check_layers,
    cut_variant,
    observe,
)

_OBSERVED = 64
"""Pairs that say which units matter."""


@dataclass(frozen=True)
class MadeVariant:
    """A variant with its tensors, by the names of a block, and what it costs the tracker."""

    state: State
    score: VariantScore


@dataclass(frozen=True)
class LayerWork:
    """What variants of a teacher are made from.

    Attributes:
        pairs: What variants learn on, and at the end those that they are scored on.
        student: How students are distilled: its weights say what parts of the tracker's loss count.
        leading: Variants of the MLP keep the first hidden units instead of the most important ones.
    """

    teacher: Tracker
    pairs: FixedPairs
    recipe: LocalRecipe
    student: StudentRecipe
    device: torch.device
    seed: int
    leading: bool = False
    _layers: dict[int, tuple[LayerTokens, LayerTokens]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        check_layers(self.teacher.spec)

    def enter(self) -> Iterator[int]:
        """Go through the layers in order, so that their variants can be made without going there again."""
        both = zip(self._learnt.layers(), self._scored.layers(), strict=True)
        for i, tokens in enumerate(both):
            self._layers.clear()
            self._layers[i] = tokens
            yield i

    def make(self, variant: Variant) -> MadeVariant:
        """A variant, distilled and scored; always the same.

        Raises:
            CompressError: its training diverged.
        """
        learnt, scored = self._tokens(variant.source)
        if isinstance(variant, Skip):
            return MadeVariant({}, VariantScore(*self._scorer.score(scored.before, variant.source + 1, first=0)))
        state = cut_variant(self.teacher, variant, self._observed, leading=self.leading)
        half = half_of(self.teacher.spec, variant, state)
        half = distill_half(half, _rows(variant, learnt, self._learnt.finished), self.recipe, seed=self.seed)
        unseen = _rows(variant, scored, self._scored.finished)
        out = through(half, unseen.inputs, unseen.finished)
        attention = isinstance(variant, AttentionVariant)
        lost = self._scorer.score(out, variant.source + (not attention), first=int(attention))
        return MadeVariant(dict(half.state_dict()), VariantScore(*lost, float(local_loss(out, unseen.targets))))

    def _tokens(self, source: int) -> tuple[LayerTokens, LayerTokens]:
        if source not in self._layers:
            next(i for i in self.enter() if i == source)
        return self._layers[source]

    @cached_property
    def _learnt(self) -> Walk:
        spec = self.teacher.spec
        each = 4 * spec.dim * (spec.memory_patches + spec.search_tokens)
        count = min(self.recipe.pairs, max(1, self.recipe.most_bytes // each), self._first_scored)
        return Walk.of(self.teacher, self.pairs, range(count), self.device)

    @cached_property
    def _scored(self) -> Walk:
        return Walk.of(self.teacher, self.pairs, range(self._first_scored, len(self.pairs)), self.device)

    @property
    def _first_scored(self) -> int:
        """Of pairs too few for both, half are scored."""
        return len(self.pairs) - min(self.recipe.scored, len(self.pairs) // 2)

    @cached_property
    def _scorer(self) -> Scorer:
        return Scorer(self._scored, self.pairs.boxes[self._first_scored :], self.student)

    @cached_property
    def _observed(self) -> dict[str, InputStatistics]:
        rows = slice(0, min(_OBSERVED, self._first_scored))
        template, search = (to_input(crops[rows].to(self.device)) for crops in (self.pairs.template, self.pairs.search))
        return observe(self.teacher, template, search)


def _rows(variant: Variant, tokens: LayerTokens, finished: Tensor) -> Rows:
    if isinstance(variant, AttentionVariant):
        return Rows(tokens.before, tokens.middle, finished)
    return Rows(tokens.middle, tokens.behind, finished)
