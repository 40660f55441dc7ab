"""What the layers of a teacher take in and put out on some pairs, one layer after the other, to bound memory."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple, cast

import torch
from torch import Tensor

from compress.distill.batches import FixedPairs
from compress.distill.blockwise.layers import Half, half_of, templates_of
from compress.distill.inputs import to_input
from compress.models import Tracker
from compress.models.vit.tracker import VitTracker
from compress.surgery import AttentionVariant, MlpVariant, own_variants

CHUNK = 32
"""Pairs that go through a layer at a time where nothing is learned."""


class LayerTokens(NamedTuple):
    """Tokens (N, tokens, dim) of the template and the frame in front of a layer, between its halves, and behind it."""

    before: Tensor
    middle: Tensor
    behind: Tensor


def chunks(count: int) -> Iterator[slice]:
    """Rows that go through a layer together."""
    return (slice(start, min(count, start + CHUNK)) for start in range(0, count, CHUNK))


def through(half: Half, x: Tensor, finished: Tensor) -> Tensor:
    """All rows through a half, without gradients."""
    out = torch.empty_like(x)
    with torch.no_grad():
        for rows in chunks(len(x)):
            out[rows] = half(x[rows], finished[rows])
    return out


@dataclass(frozen=True)
class Walk:
    """A teacher on some pairs; no candidates are eliminated.

    Attributes:
        halves: The teacher's layers.
        start: Tokens (N, tokens, dim) in front of the first layer.
        finished: (N, Nz, dim), those of the template behind the last layer.
    """

    teacher: VitTracker
    halves: tuple[tuple[Half, Half], ...]
    start: Tensor
    finished: Tensor

    @classmethod
    def of(cls, teacher: Tracker, pairs: FixedPairs, rows: range, device: torch.device) -> Walk:
        """The walk on some rows of the pairs."""
        model = cast(VitTracker, teacher.to(device).eval())
        halves = tuple(_halves(model, i) for i in range(len(model.spec.layers)))
        start = torch.cat([_embedded(model, pairs, each, device) for each in _split(rows)])
        return cls(model, halves, start, _finished(model, halves, start))

    def layers(self) -> Iterator[LayerTokens]:
        """The tokens around layer after layer."""
        x = self.start
        for attention, mlp in self.halves:
            middle = through(attention, x, self.finished)
            behind = through(mlp, middle, self.finished)
            yield LayerTokens(x, middle, behind)
            x = behind


def _halves(model: VitTracker, i: int) -> tuple[Half, Half]:
    block = model.get_submodule(f"backbone.blocks.{i}").state_dict()

    def half(variant: AttentionVariant | MlpVariant) -> Half:
        state = {name: value for name, value in block.items() if name.startswith(variant.names)}
        return half_of(model.spec, variant, state)

    attention, mlp = own_variants(model.spec, i)
    return half(attention), half(mlp)


def _split(rows: range) -> Iterator[range]:
    return (rows[part] for part in chunks(len(rows)))


@torch.no_grad()
def _embedded(model: VitTracker, pairs: FixedPairs, rows: range, device: torch.device) -> Tensor:
    chosen = slice(rows.start, rows.stop)
    template, search = (to_input(crops[chosen].to(device)) for crops in (pairs.template, pairs.search))
    tokens = model.template_tokens(model.templates(template, None), None)
    return model.frame_tokens(search, {"tokens": tokens})


def _finished(model: VitTracker, halves: tuple[tuple[Half, Half], ...], start: Tensor) -> Tensor:
    count = templates_of(model.spec)
    # Where the template is seen apart its tokens go through all layers by themselves, whatever the frame's do.
    x = start if model.spec.attention == "joint" else start[:, :count].contiguous()
    finished = start[:, :count]
    for attention, mlp in halves:
        x = through(mlp, through(attention, x, finished), finished)
    return x[:, :count].contiguous()
