"""One block cut down: its state dict in, the changed tensors out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from compress.core import LayerSpec, TrackerSpec
from compress.surgery.importance import InputStatistics, top, top_heads, top_per_head

State = dict[str, Tensor]
"""Tensors by the name that a state dict gives them."""


@dataclass(frozen=True)
class TeacherBlock:
    """A teacher's block, and the inputs of its linear layers where crops were run through it.

    Attributes:
        state: The block's state dict.
        observed: Statistics by module name; None where no crops were run.
        prefix: Of the block's names in `observed`, e.g. `"blocks.3."`.
    """

    state: State
    observed: Mapping[str, InputStatistics] | None
    prefix: str

    def importance(self, linear: str, otherwise: Tensor, weight: Tensor) -> Tensor:
        """Of the inputs of a linear layer, (D,): as fixed beforehand, or mean |input| · ‖column of `weight`‖.

        Args:
            otherwise: A guess at mean |input| from weights, where no crops were run.
        """
        observed = None if self.observed is None else self.observed[self.prefix + linear]
        if observed is not None and observed.importance is not None:
            return observed.importance
        return (otherwise if observed is None else observed.magnitude) * weight.norm(dim=0)

    def mean(self, linear: str) -> Tensor | None:
        """Mean input of a linear layer, (D,); None where no crops were run."""
        return None if self.observed is None else self.observed[self.prefix + linear].mean


def cut_attention(old: TeacherBlock, layer: LayerSpec, spec: TrackerSpec) -> State:
    """The block's attention with `layer.heads` heads and `layer.attn_dims` inputs and values.

    The heads that are kept keep all outputs of q and k, and each as many values as any other.
    """
    if layer.attn_dims is None and layer.heads is None:
        return {}
    state, width = old.state, spec.dim // spec.heads
    weight, bias, proj = state["attn.qkv.weight"], state["attn.qkv.bias"], state["attn.proj.weight"]
    inputs, values = weight.shape[1], proj.shape[1]
    keys = (weight.shape[0] - values) // 2
    before, left = keys // width, layer.heads or spec.heads
    keep = layer.attn_dims or spec.dim
    if left == before and keep == inputs:
        return {}
    scores = old.importance("attn.proj", weight[2 * keys :].norm(dim=1), proj)
    heads = top_heads(scores, left, before)
    own = _dims_of(heads, values // before)
    own = own[top_per_head(scores[own], left * (keep // spec.heads), left)]
    queries = _dims_of(heads, width)
    rows = torch.cat([queries, keys + queries, 2 * keys + own])
    new = {"attn.qkv.weight": weight[rows], "attn.qkv.bias": bias[rows]}
    new |= _cut("attn.proj", proj, state["attn.proj.bias"], own, old.mean("attn.proj"))
    if keep == inputs:
        return new
    read = _rank_inputs(old, "norm1", "attn.qkv", "attn.kept", weight[rows], keep)
    kept = _indices(state, "attn.kept", spec.dim, weight.device)[read]
    return new | {"attn.kept": kept} | _cut("attn.qkv", weight[rows], bias[rows], read, old.mean("attn.qkv"))


def cut_mlp(old: TeacherBlock, layer: LayerSpec, *, leading: bool) -> State:
    """The block's MLP with `layer.mlp_hidden` hidden units that read `layer.mlp_dims` inputs."""
    state = old.state
    hidden = _rank_hidden(old, layer.mlp_hidden, leading=leading)
    weight, bias = state["mlp.fc1.weight"][hidden], state["mlp.fc1.bias"][hidden]
    new = {"mlp.fc1.weight": weight, "mlp.fc1.bias": bias}
    new |= _cut("mlp.fc2", state["mlp.fc2.weight"], state["mlp.fc2.bias"], hidden, old.mean("mlp.fc2"))
    if layer.mlp_dims is None or layer.mlp_dims == weight.shape[1]:
        return new
    inputs = _rank_inputs(old, "norm2", "mlp.fc1", "mlp.kept", weight, layer.mlp_dims)
    kept = _indices(state, "mlp.kept", len(state["norm2.weight"]), weight.device)[inputs]
    return new | {"mlp.kept": kept} | _cut("mlp.fc1", weight, bias, inputs, old.mean("mlp.fc1"))


def _rank_hidden(old: TeacherBlock, keep: int, *, leading: bool) -> Tensor:
    fc1, fc2 = old.state["mlp.fc1.weight"], old.state["mlp.fc2.weight"]
    if leading:
        return torch.arange(keep, device=fc1.device)
    return top(old.importance("mlp.fc2", fc1.norm(dim=1), fc2), keep)


def _rank_inputs(old: TeacherBlock, norm: str, linear: str, kept: str, weight: Tensor, keep: int) -> Tensor:
    """Positions, among the inputs the linear layer has, of those to keep."""
    gain = old.state[f"{norm}.weight"]
    gain = gain[_indices(old.state, kept, len(gain), gain.device)].abs()
    return top(old.importance(linear, gain, weight), keep)


def _dims_of(heads: Tensor, width: int) -> Tensor:
    """The dimensions of heads that have `width` each."""
    return (heads[:, None] * width + torch.arange(width, device=heads.device)).flatten()


def _indices(state: State, kept: str, dim: int, device: torch.device) -> Tensor:
    return state[kept] if kept in state else torch.arange(dim, device=device)


def _cut(linear: str, weight: Tensor, bias: Tensor, columns: Tensor, mean: Tensor | None) -> State:
    """Keep some inputs of a linear layer; what the others bring on the average goes into the bias."""
    removed = torch.ones(weight.shape[1], dtype=torch.bool, device=weight.device)
    removed[columns] = False
    if mean is not None and bool(removed.any()):
        bias = bias + weight[:, removed] @ mean[removed].to(weight.dtype)
    return {f"{linear}.weight": weight[:, columns], f"{linear}.bias": bias}
