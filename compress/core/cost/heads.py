"""Box heads."""

from __future__ import annotations

from compress.core.backbones.rules import BACKBONES
from compress.core.component import Component, Work, conv_norm, linear
from compress.core.tracker_fields import TrackerFields


def head_component(spec: TrackerFields) -> Component:
    """The box head, and the score head where there is one."""
    return {"centre": _centre, "corner": _corner, "pyramid": _pyramid, "tokens": _tokens}[spec.head.kind](spec)


def _centre(spec: TrackerFields) -> Component:
    """Three branches of four 3×3 convolutions and one of 1×1: score, offset, size."""
    parameters, cell = 0, 0
    for outputs in (1, 2, 2):
        for inputs, width in _tower(spec.dim, spec.head.channels):
            parameters += conv_norm(inputs, width)
            cell += 9 * inputs * width
        parameters += linear(spec.head.channels // 8, outputs)
        cell += spec.head.channels // 8 * outputs
    return Component("head", parameters, frame=Work(spec.search_tokens * cell))


def _corner(spec: TrackerFields) -> Component:
    """Two towers of four 3×3 convolutions and one of 1×1."""
    channels = spec.head.channels
    convs = _tower(BACKBONES[spec.backbone].head_width(spec), channels)
    block = _rep_block if spec.head.reparam else conv_norm
    parameters = sum(block(a, b) for a, b in convs) + linear(channels // 8, 1)
    cell = sum(9 * a * b for a, b in convs) + channels // 8
    return Component("head", 2 * parameters, frame=Work(spec.search_tokens * 2 * cell))


def _rep_block(inputs: int, outputs: int) -> int:
    """A RepVGG block as trained: 3×3 and 1×1 convolutions without bias and, where it fits, the identity, each normed.

    Merged for inference they are one 3×3 convolution, which is what is counted as work.
    """
    identity = 2 * outputs if inputs == outputs else 0
    return (9 + 1) * inputs * outputs + 4 * outputs + identity


def _pyramid(spec: TrackerFields) -> Component:
    """Two towers that double their resolution twice, and take in features and scores at each resolution (MixViT)."""
    dim, c = spec.dim, spec.head.channels
    coarse = [(dim, c), (c, c // 2), (dim, c // 2), (dim, c // 4), *_scores(c // 2, c // 4, c // 8)]
    middle = [(c // 2, c // 4), *_scores(c // 4, c // 8)]
    fine = [(c // 4, c // 8)]
    parameters = sum(conv_norm(a, b) for a, b in coarse + middle + fine) + linear(c // 8, 1)
    work = sum(9 * a * b * 4**level for level, convs in enumerate((coarse, middle, fine)) for a, b in convs)
    return Component("head", 2 * parameters, frame=Work(spec.search_tokens * 2 * (work + 16 * (c // 8))))


def _tokens(spec: TrackerFields) -> Component:
    """One MLP with layer norms, and one for the score, for each of the four prediction tokens."""
    dim, bins = spec.dim, spec.head.bins
    parameters = linear(dim, dim) + 2 * dim + linear(dim, bins) + 2 * bins
    token = dim * dim + dim * bins
    if spec.head.score:
        parameters += linear(dim, dim) + linear(dim, 1)
        token += dim * dim + dim
    return Component("head", parameters, frame=Work(4 * token))


def _tower(inputs: int, channels: int) -> list[tuple[int, int]]:
    """Input and output channels of four convolutions, each half as wide as the one before."""
    widths = (inputs, channels, channels // 2, channels // 4, channels // 8)
    return list(zip(widths, widths[1:], strict=False))


def _scores(*widths: int) -> list[tuple[int, int]]:
    """Input and output channels of convolutions that end in one channel."""
    return list(zip(widths, (*widths[1:], 1), strict=True))
