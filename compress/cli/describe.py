"""`compress describe`: one tracker's spec and cost."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING

import click

from compress.cli.options import json_option, print_json

if TYPE_CHECKING:
    from compress.core import LayerSpec, TrackerSpec


@click.command()
@click.argument("tracker", metavar="NAME|SPEC.json")
@json_option
def command(tracker: str, as_json: bool) -> None:
    """Show a tracker's spec, parameters and MACs.

    MACs count one per multiply-add, at batch 1. `macs` is one forward of template and search; `macs_per_frame`
    leaves out what is computed once per sequence.
    """
    from compress.cli.specs import read_spec
    from compress.core.cost import macs, parameters

    spec = read_spec(tracker)
    work = macs(spec)
    if as_json:
        cost = {"params": parameters(spec), "macs": work.full, "macs_per_frame": work.per_frame}
        print_json({"name": tracker, "id": spec.id, **cost, "spec": spec.to_dict()})
        return
    click.echo(f"{tracker}  {spec.id}")
    click.echo(f"  parameters      {parameters(spec) / 1e6:.2f} M")
    click.echo(f"  MACs            {work.full / 1e9:.3f} G")
    click.echo(f"  MACs a frame    {work.per_frame / 1e9:.3f} G")
    click.echo(
        f"  crops           template {spec.template_size} px, search {spec.search_size} px, patch {spec.patch} px"
    )
    click.echo(f"  width           {spec.dim}, {spec.heads} heads; head of {spec.head.channels} channels")
    for line in _layer_lines(spec):
        click.echo(line)


def _layer_lines(spec: TrackerSpec) -> list[str]:
    """Neighbouring layers that differ in nothing but their source share a line."""
    groups = [list(group) for _, group in groupby(spec.layers, key=_content)]
    return [f"  {len(group):2} × layer       {_words(group[0])}, from {_sources(group)}" for group in groups]


def _content(layer: LayerSpec) -> tuple[object, ...]:
    return layer.attention, layer.mlp_hidden, layer.attn_dims, layer.mlp_dims, layer.keep


def _words(layer: LayerSpec) -> str:
    words = f"{layer.attention}, MLP {layer.mlp_hidden}"
    if layer.attn_dims or layer.mlp_dims:
        words += f", kept {layer.attn_dims or 'all'} / {layer.mlp_dims or 'all'} (attention / MLP)"
    if layer.keep is not None:
        words += f", passes on {layer.keep:g} of the search tokens"
    return words


def _sources(layers: list[LayerSpec]) -> str:
    return " ".join(str(layer.source) for layer in layers)
