"""Trackers like a teacher, made of chosen layers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from math import isqrt

from compress.core import Attention, LayerSpec, TrackerSpec
from compress.latency import Point


def tracker_of_layers(teacher: TrackerSpec, layers: Sequence[tuple[Attention, Point]]) -> TrackerSpec:
    """The teacher with other layers, of a backbone without stages; they may leave any number of search tokens, and all
    of the template goes on.
    """
    made = (
        LayerSpec(source=i, attention=kind, attn_dims=attn, mlp_hidden=hidden, mlp_dims=mlp)
        for i, (kind, (attn, hidden, mlp)) in enumerate(layers)
    )
    return replace(teacher, layers=tuple(made), keep_least=None, keep_template=None)


def tracker_of_stages(teacher: TrackerSpec, hidden: Sequence[Sequence[int]]) -> TrackerSpec:
    """The teacher with other layers, from the hidden units of each stage's layers."""
    flat = [(stage, width) for stage, widths in enumerate(hidden) for width in widths]
    layers = (LayerSpec(source=i, mlp_hidden=width, stage=stage) for i, (stage, width) in enumerate(flat))
    return replace(teacher, layers=tuple(layers))


def with_sizes(spec: TrackerSpec, sizes: tuple[int, int]) -> TrackerSpec:
    """The tracker at other sizes of its crops: search and template, in pixels."""
    search, template = sizes
    return replace(spec, search_size=search, template_size=template)


def with_template(spec: TrackerSpec, patches: int) -> TrackerSpec:
    """The tracker of whose templates so many patches go on: those near the middle, or all of a smaller crop.

    Of numbers that neither has it is the next one above.
    """
    # Half a patch less: the share that is kept is rounded up.
    share = (patches - 0.5) / spec.template_patches
    found = replace(spec, keep_template=share if patches < spec.template_patches else None)
    side = isqrt(patches)
    if len(found.template_places) > patches == side**2:
        return replace(spec, template_size=side * spec.patch, keep_template=None)
    return found


def pruned(spec: TrackerSpec, heads: Mapping[int, int | None]) -> TrackerSpec:
    """The tracker whose layers have these numbers of attention heads left, by index; all where nothing is said."""
    layers = (replace(layer, heads=heads.get(i)) for i, layer in enumerate(spec.layers))
    return replace(spec, layers=tuple(layers))


def eliminating(spec: TrackerSpec, keep: Mapping[int, float | None]) -> TrackerSpec:
    """The tracker whose layers pass on these shares of their search tokens, by index; all where nothing is said."""
    layers = (replace(layer, keep=keep.get(i)) for i, layer in enumerate(spec.layers))
    return replace(spec, layers=tuple(layers))
