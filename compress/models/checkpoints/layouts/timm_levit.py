"""What layouts of a LeViT share, and timm's (https://github.com/huggingface/pytorch-image-models), for ImageNet."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

import torch
from torch import Tensor

from compress.core import TrackerSpec
from compress.models.checkpoints.layouts.layout import TIMM_LAYOUTS, TimmLayout
from compress.models.levit.backbone import Levit

_NORM_EPS = 1e-5
_MERGED = re.compile(r"(backbone\.(?:stem\.\d+|.*\.(?:qkv|kv|q|proj|fc1|fc2))\.)bias")
_RENAMED = {
    "attn_downsample": "attn",
    "proj.ln": "proj",
    "q.ln": "q",
    "mlp.ln1": "mlp.fc1",
    "mlp.ln2": "mlp.fc2",
}


def index_tables(spec: TrackerSpec) -> dict[str, Tensor]:
    """The position encoding's indices of every attention in `spec`'s backbone, by key."""
    with torch.device("meta"):
        buffers = Levit(spec).named_buffers("backbone")
    return {key: value for key, value in buffers if key.endswith(".bias.index")}


def split_norms(state: dict[str, Tensor]) -> dict[str, Tensor]:
    """The state dict with batch norms in the backbone, where those were merged into what is in front of them.

    A norm then holds what was merged into the bias, and leaves its input as it is but for that.
    """
    split = dict(state)
    for match in filter(None, map(_MERGED.fullmatch, state)):
        layer, shift = match[1], split.pop(match[0])
        split[f"{layer}linear.weight"] = split.pop(f"{layer}weight")
        split[f"{layer}bn.bias"] = shift
        split[f"{layer}bn.weight"] = torch.ones_like(shift)
        split[f"{layer}bn.running_mean"] = torch.zeros_like(shift)
        split[f"{layer}bn.running_var"] = torch.full_like(shift, 1 - _NORM_EPS)
        split[f"{layer}bn.num_batches_tracked"] = torch.tensor(0)
    return split


def levit_from_timm(state: Mapping[str, Tensor], spec: TrackerSpec) -> dict[str, Tensor]:
    """The keys under `backbone.` of `spec`'s state dict, from timm's levit_384 (HiT-Base), levit_128 or levit_128s.

    Layer i comes from timm's layer `spec.layers[i].source`. The classifier is left out, and attention biases start
    at zero, as in HiT: those of one image do not apply to two.

    Raises:
        KeyError: timm's model lacks a layer that the spec names.
    """
    with torch.device("meta"):
        tables = {k: v for k, v in Levit(spec).state_dict(prefix="backbone.").items() if k.endswith(".bias.table")}
    adapted = {key: torch.zeros(value.shape) for key, value in tables.items()}
    for prefix, place in _module_prefixes(state, spec):
        adapted |= {
            place + _our_name(key.removeprefix(prefix)): value
            for key, value in state.items()
            if key.startswith(prefix) and not key.endswith("attention_biases")
        }
    return adapted


def _module_prefixes(state: Mapping[str, Tensor], spec: TrackerSpec) -> Iterator[tuple[str, str]]:
    """Prefixes of the backbone's modules: timm's, and this package's."""
    yield from ((f"stem.conv{i + 1}.", f"backbone.stem.{2 * i}.") for i in range(4))
    yield from ((f"stages.{i + 1}.downsample.", f"backbone.shrinks.{i}.") for i in range(len(spec.stages) - 1))
    layers = sorted({match[0] for match in map(re.compile(r"stages\.\d+\.blocks\.\d+\.").match, state) if match})
    for i, layer in enumerate(spec.layers):
        if layer.source >= len(layers):
            raise KeyError(f"layer {layer.source} is wanted, but timm's model holds {len(layers)}")
        yield layers[layer.source], f"backbone.blocks.{i}."


def _our_name(key: str) -> str:
    for old, new in _RENAMED.items():
        key = key.replace(f"{old}.", f"{new}.")
    return key


TIMM_LAYOUTS.register("levit", TimmLayout(levit_from_timm, ("backbone.stem.", "backbone.shrinks.", "backbone.blocks.")))
