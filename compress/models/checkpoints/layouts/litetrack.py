"""LiteTrack's checkpoints (https://github.com/TsingWei/LiteTrack): layer scale and split biases in every block."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from compress.core import TrackerSpec
from compress.models.checkpoints.layouts import ostrack
from compress.models.checkpoints.layouts.layout import LAYOUTS, Layout, weight


def recognises(state: Mapping[str, Tensor]) -> bool:
    """Whether a state dict holds layer scales beside OSTrack's names."""
    return any(key.startswith("backbone.blocks.") and key.endswith(".gamma_1") for key in state)


def adapt(state: dict[str, Tensor], spec: TrackerSpec) -> dict[str, Tensor]:
    """The state dict with layer scales and split biases folded, without what the forward never reads.

    Raises:
        KeyError: see `fold_litetrack`.
    """
    return fold_litetrack(ostrack.adapt(state, spec))


def fold_litetrack(state: dict[str, Tensor]) -> dict[str, Tensor]:
    """Fold LiteTrack's layer scale (`gamma_1`, `gamma_2`) and `q_bias`, `v_bias` into plain linear layers.

    γ·(Wx + b) = (γW)x + γb, and a zero key bias changes no softmax, so the function computed is the same.

    Raises:
        KeyError: a layer with `gamma_1` lacks one of the tensors it belongs to.
    """
    folded = dict(state)
    for prefix in [key.removesuffix("gamma_1") for key in state if key.endswith(".gamma_1")]:
        scale_rows(folded, f"{prefix}attn.proj", f"{prefix}gamma_1", folded)
        scale_rows(folded, f"{prefix}mlp.fc2", f"{prefix}gamma_2", folded)
        q_bias, v_bias = (weight(folded, f"{prefix}attn.{kind}_bias") for kind in ("q", "v"))
        folded[f"{prefix}attn.qkv.bias"] = torch.cat([q_bias, torch.zeros_like(q_bias), v_bias])
        for key in ("gamma_1", "gamma_2", "attn.q_bias", "attn.v_bias"):
            del folded[prefix + key]
    return folded


def scale_rows(state: dict[str, Tensor], linear: str, scale: str, scales: Mapping[str, Tensor]) -> None:
    """Multiply the outputs of a linear layer of `state` by `scale` of `scales`, (rows).

    Raises:
        KeyError, ValueError: see `weight`.
    """
    factors, rows = weight(scales, scale), weight(state, f"{linear}.weight")
    if rows.dim() != 2:
        raise ValueError(f"{linear}.weight is no matrix")
    weight(scales, scale, (len(rows),))
    state[f"{linear}.weight"] = rows * factors[:, None]
    state[f"{linear}.bias"] = weight(state, f"{linear}.bias", (len(rows),)) * factors


_FILES = {f"litetrack-b{n}": f"B{n}_cae_center_all_ep300/LiteTrack_ep0300.pth.tar" for n in (4, 6, 8, 9)}
LAYOUTS.register("LiteTrack", Layout("LiteTrack", "https://github.com/TsingWei/LiteTrack", _FILES, recognises, adapt))
