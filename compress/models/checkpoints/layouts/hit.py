"""HiT's checkpoints (https://github.com/kangben258/HiT): one flat list of blocks, and positions as saved indices."""

from __future__ import annotations

import re
from collections.abc import Mapping

import torch
from torch import Tensor

from compress.core import TrackerSpec
from compress.models.checkpoints.layouts.layout import LAYOUTS, Layout
from compress.models.checkpoints.layouts.timm_levit import index_tables, split_norms

_BODY = "backbone.body."
_INDICES = "attention_bias_idxs"
_RENAMED = {
    "backbone.body.patch_embed": "backbone.stem",
    "bottleneck.layers.0": "bridge.rise1",
    "bottleneck.layers.1": "bridge.rise2",
    "bottleneck.proj1": "bridge.search_proj",
    "bottleneck.proj2": "bridge.global_proj",
}
_RENAMED_IN_BLOCK = {
    "m.attention_biases": "attn.bias.table",
    f"m.{_INDICES}": "attn.bias.index",
    "m.qkv": "attn.qkv",
    "m.proj.1": "attn.proj",
    "m.0": "mlp.fc1",
    "m.2": "mlp.fc2",
    "attention_biases": "attn.bias.table",
    _INDICES: "attn.bias.index",
    "kv": "attn.kv",
    "q.1": "attn.q",
    "proj.1": "attn.proj",
}
"""Starts of published names: those with `m.` in a layer, the others in a shrink attention."""


def recognises(state: Mapping[str, Tensor]) -> bool:
    """Whether a state dict keeps its backbone where HiT does."""
    return any(key.startswith(_BODY) for key in state)


def adapt(state: dict[str, Tensor], spec: TrackerSpec) -> dict[str, Tensor]:
    """The state dict in this package's layout, without the indices of the positions, which this package computes.

    HiT's scripts merge the backbone's batch norms into its layers before they run it; what is saved after that is
    read as well, as norms that change nothing but the bias.

    Raises:
        KeyError: a block is missing at the start.
        ValueError: `spec` is no LeViT, or the checkpoint lays out search crop and template differently.
    """
    if not spec.stages:
        raise ValueError("HiT's backbone is a LeViT and this tracker's is a plain ViT")
    places = _block_prefixes(state)
    names = {key: _our_name(key, places) for key in state}
    tables = index_tables(spec)
    for key in (key for key in state if names[key] in tables):
        _check_index(key, state[key], tables[names[key]])
    return split_norms({names[key]: value for key, value in state.items() if not key.endswith(_INDICES)})


def _block_prefixes(state: Mapping[str, Tensor]) -> dict[str, str]:
    """Our place of every published block, by its number there: an MLP belongs to the attention before it."""
    numbers = {match[1] for key in state if (match := re.match(r"backbone\.body\.blocks\.(\d+)\.", key))}
    places, layers, shrinks, last = dict[str, str](), 0, 0, ""
    for number in sorted(numbers, key=int):
        block = f"{_BODY}blocks.{number}."
        if f"{block}m.attention_biases" in state:
            last, layers = f"backbone.blocks.{layers}.", layers + 1
        elif f"{block}attention_biases" in state:
            last, shrinks = f"backbone.shrinks.{shrinks}.", shrinks + 1
        elif not last:
            raise KeyError(f"{block}m.attention_biases is missing")
        places[number] = last
    return places


def _our_name(key: str, places: Mapping[str, str]) -> str:
    key = key.replace(".c.", ".linear.")
    if not key.startswith(f"{_BODY}blocks."):
        return _replaced(key, _RENAMED)
    number, rest = key.removeprefix(f"{_BODY}blocks.").split(".", 1)
    return places[number] + _replaced(rest, _RENAMED_IN_BLOCK)


def _replaced(key: str, names: Mapping[str, str]) -> str:
    start = next((start for start in names if f"{key}.".startswith(f"{start}.")), "")
    return names.get(start, "") + key.removeprefix(start)


def _check_index(key: str, found: Tensor, wanted: Tensor) -> None:
    if found.shape != wanted.shape:
        sizes = ["×".join(map(str, index.shape)) for index in (found, wanted)]
        raise ValueError(f"{key} has {sizes[0]} pairs of tokens instead of {sizes[1]}: its crops are of other sizes")
    if not (found.is_meta or torch.equal(found.cpu().long(), wanted)):
        raise ValueError(
            f"{key} lays the template elsewhere than at the lower right corner of the search crop, as the released "
            "HiT does; positions of HiT's ablations cannot be read"
        )


_FILES = {f"hit-{size.lower()}": f"HiT_{size}/HiT_ep1500.pth.tar" for size in ("Base", "Small", "Tiny")}
LAYOUTS.register("HiT", Layout("HiT", "https://github.com/kangben258/HiT", _FILES, recognises, adapt))
