"""A LeViT's weights for a student: layers dropped within stages, MLPs cut, everything else as it is."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from compress.core import TrackerSpec
from compress.models import Tracker
from compress.surgery.block import State
from compress.surgery.importance import InputStatistics, top
from compress.surgery.registry import SURGERY

_BLOCKS = "backbone.blocks."


class LevitSurgery:
    """Surgery on LeViTs, see `Surgery`."""

    def cut(
        self, teacher: Tracker, spec: TrackerSpec, observed: Mapping[str, InputStatistics] | None, *, leading: bool
    ) -> State:
        """Layers dropped within stages, all MLPs cut; stem, shrink attentions and bridge as they are."""
        everything = dict(teacher.state_dict(keep_vars=True))
        state = {k: v for k, v in everything.items() if not k.startswith(_BLOCKS)}
        for j, layer in enumerate(spec.layers):
            old = f"{_BLOCKS}{layer.source}."
            state |= {f"{_BLOCKS}{j}.{k.removeprefix(old)}": v for k, v in everything.items() if k.startswith(old)}
            cut = cut_normed_mlp(everything, f"{old}mlp.", layer.mlp_hidden, observed, leading=leading)
            state |= {f"{_BLOCKS}{j}.mlp.{k}": v for k, v in cut.items()}
        for i, stage in enumerate(spec.stages[1:]):
            name = f"backbone.shrinks.{i}.mlp."
            cut = cut_normed_mlp(everything, name, stage.shrink_hidden, observed, leading=leading)
            state |= {name + k: v for k, v in cut.items()}
        return state

    def importance(self, teacher: Tracker, observed: Mapping[str, InputStatistics]) -> dict[str, Tensor]:
        """Of the hidden units of all MLPs, as `cut_normed_mlp` ranks them."""
        state = dict(teacher.state_dict())
        names = [name for name in observed if name.endswith(".mlp.fc2.linear")]
        inner = {name: f"backbone.{name.removesuffix('fc2.linear')}" for name in names}
        return {name: _importance(_within(state, inner[name]), observed[name]) for name in names}

    def uncut(self, spec: TrackerSpec) -> TrackerSpec:
        """As it is: HiT's layers are LeViT's own."""
        return spec


def cut_normed_mlp(
    state: State, name: str, hidden: int, observed: Mapping[str, InputStatistics] | None, *, leading: bool
) -> State:
    """An MLP with batch norms, with `hidden` units; their batch norms go with them.

    What the removed units contribute on the average is taken off the mean that the second norm subtracts.
    """
    mlp = _within(state, name)
    found = None if observed is None else observed[name.removeprefix("backbone.") + "fc2.linear"]
    kept = _rank(mlp, hidden, found, leading=leading)
    fc1 = {k: v[kept] for k, v in mlp.items() if k.startswith("fc1.") and v.ndim}
    weight, mean = mlp["fc2.linear.weight"], mlp["fc2.bn.running_mean"]
    removed = torch.ones(weight.shape[1], dtype=torch.bool, device=weight.device)
    removed[kept] = False
    if found is not None and bool(removed.any()):
        mean = mean - weight.detach()[:, removed] @ found.mean[removed].to(weight.dtype)
    return fc1 | {"fc2.linear.weight": weight[:, kept], "fc2.bn.running_mean": mean}


def _rank(mlp: State, keep: int, observed: InputStatistics | None, *, leading: bool) -> Tensor:
    if leading:
        return torch.arange(keep, device=mlp["fc2.linear.weight"].device)
    return top(_importance(mlp, observed), keep)


def _importance(mlp: State, observed: InputStatistics | None) -> Tensor:
    if observed is not None and observed.importance is not None:
        return observed.importance
    gain = mlp["fc2.bn.weight"] / (mlp["fc2.bn.running_var"] + 1e-5).sqrt()
    reach = (mlp["fc2.linear.weight"] * gain[:, None]).norm(dim=0)
    # Behind its batch norm a unit varies by the norm's gain, independently of its row of weights.
    magnitude = mlp["fc1.bn.weight"].abs() if observed is None else observed.magnitude
    return magnitude * reach


def _within(state: State, name: str) -> State:
    return {k.removeprefix(name): v for k, v in state.items() if k.startswith(name)}


SURGERY.register("levit", LevitSurgery())
