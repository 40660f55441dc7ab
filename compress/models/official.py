"""Published checkpoints' key layouts, turned into this package's own, exactly."""

from __future__ import annotations

import torch
from torch import Tensor

from compress.core import TRACKERS, TrackerSpec, describe

# Kept by OSTrack and LiteTrack from ImageNet pre-training; their forward never reads them.
_UNUSED = ("backbone.cls_token", "backbone.pos_embed")

SOURCES = {
    "litetrack": "LiteTrack's official repository (https://github.com/TsingWei/LiteTrack)",
    "ostrack256": "OSTrack's official repository (https://github.com/botaoye/OSTrack)",
    "ostrack384": "OSTrack's official repository (https://github.com/botaoye/OSTrack)",
}
"""Where the weights of named trackers come from, by the start of the name."""


def from_official(state: dict[str, Tensor]) -> dict[str, Tensor]:
    """A state dict in this package's layout from an OSTrack or LiteTrack one; others come back unchanged."""
    used = {key: value for key, value in state.items() if key not in _UNUSED}
    return fold_litetrack(used) if any(key.endswith(".gamma_1") for key in used) else used


def fold_litetrack(state: dict[str, Tensor]) -> dict[str, Tensor]:
    """Fold LiteTrack's layer scale (`gamma_1`, `gamma_2`) and `q_bias`, `v_bias` into plain linear layers.

    γ·(Wx + b) = (γW)x + γb, and a zero key bias changes no softmax, so the function computed is the same.

    Raises:
        KeyError: a layer with `gamma_1` lacks one of the tensors it belongs to.
    """
    folded = dict(state)
    for prefix in [key.removesuffix("gamma_1") for key in state if key.endswith(".gamma_1")]:
        _scale_rows(folded, f"{prefix}attn.proj", folded.pop(f"{prefix}gamma_1"))
        _scale_rows(folded, f"{prefix}mlp.fc2", folded.pop(f"{prefix}gamma_2"))
        q_bias = folded.pop(f"{prefix}attn.q_bias")
        v_bias = folded.pop(f"{prefix}attn.v_bias")
        folded[f"{prefix}attn.qkv.bias"] = torch.cat([q_bias, torch.zeros_like(q_bias), v_bias])
    return folded


def weights_source(name: str) -> str | None:
    """Who publishes the weights of a named tracker; None for the package's own."""
    return next((text for start, text in SOURCES.items() if name.startswith(start)), None)


def likely_cause(spec: TrackerSpec, state: dict[str, Tensor]) -> str:
    """Why the weights in `state` do not fit a tracker, as far as they tell: which named ones they do look like."""
    names = [name for name in TRACKERS.names() if _looks_like(describe(name), state)]
    if names:
        return f"This looks like {' or '.join(names)}."
    depth = _depth(state)
    if depth != len(spec.layers):
        return f"It holds {depth} layers and this tracker has {len(spec.layers)}: they are different trackers."
    if spec.final_norm != ("backbone.norm.weight" in state):
        return "OSTrack has a final norm and LiteTrack has none: the file is of the other family."
    return "The file was probably made for another tracker or another variant."


def _looks_like(spec: TrackerSpec, state: dict[str, Tensor]) -> bool:
    head = state.get("box_head.conv1_ctr.0.weight")
    template = (spec.template_size // spec.patch) ** 2
    return (
        head is not None
        and tuple(head.shape[:2]) == (spec.head.channels, spec.dim)
        and _depth(state) == len(spec.layers)
        and ("backbone.norm.weight" in state) == spec.final_norm
        and ("target_token_embed.fc1.weight" in state) == spec.target_token
        and _tokens(state, "backbone.pos_embed_z") == template
        and _tokens(state, "backbone.pos_embed_x") == spec.search_tokens
    )


def _depth(state: dict[str, Tensor]) -> int:
    return len({key.split(".")[2] for key in state if key.startswith("backbone.blocks.")})


def _tokens(state: dict[str, Tensor], key: str) -> int:
    value = state.get(key)
    return value.shape[1] if value is not None and value.ndim == 3 else 0


def _scale_rows(state: dict[str, Tensor], linear: str, scale: Tensor) -> None:
    state[f"{linear}.weight"] = state[f"{linear}.weight"] * scale[:, None]
    state[f"{linear}.bias"] = state[f"{linear}.bias"] * scale
