"""A plain ViT's weights for a student: its layers cut one by one, positions for its crops, everything else as it is."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from torch import Tensor

from compress.core import LayerSpec, TrackerSpec
from compress.models import Tracker
from compress.models.vit.backbone import resized_positions, sincos_positions
from compress.surgery.attach import attach
from compress.surgery.block import State, TeacherBlock, cut_attention, cut_mlp
from compress.surgery.importance import InputStatistics
from compress.surgery.registry import SURGERY

_BLOCKS = "backbone.blocks."


class VitSurgery:
    """Surgery on plain ViTs, see `Surgery`."""

    def cut(
        self, teacher: Tracker, spec: TrackerSpec, observed: Mapping[str, InputStatistics] | None, *, leading: bool
    ) -> State:
        """Layers cut, positions interpolated where crops are of other sizes, bypass and exits attached."""
        state = {k: v for k, v in teacher.state_dict(keep_vars=True).items() if not k.startswith(_BLOCKS)}
        state |= _positions(state, spec)
        for j, layer in enumerate(spec.layers):
            new = cut_block(teacher, layer, observed, leading=leading)
            state |= {f"{_BLOCKS}{j}.{k}": v for k, v in new.items()}
        return attach(teacher, state, spec, observed, leading=leading)

    def importance(self, teacher: Tracker, observed: Mapping[str, InputStatistics]) -> dict[str, Tensor]:
        """Mean |input| · ‖column of weights‖, of every linear layer of the blocks."""
        backbone = teacher.get_submodule("backbone")
        norms = {name: backbone.get_parameter(f"{name}.weight").detach().norm(dim=0) for name in observed}
        return {name: each.magnitude * norms[name] for name, each in observed.items() if name.startswith("blocks.")}

    def uncut(self, spec: TrackerSpec) -> TrackerSpec:
        """MLPs four times as wide as the tokens, no dimension reduced, all heads."""
        whole: dict[str, Any] = {"attn_dims": None, "mlp_dims": None, "heads": None}
        layers = (replace(x, mlp_hidden=4 * spec.dim, **whole) for x in spec.layers)
        return replace(spec, layers=tuple(layers))


def cut_block(
    teacher: Tracker, layer: LayerSpec, observed: Mapping[str, InputStatistics] | None, *, leading: bool
) -> State:
    """One layer's state dict, cut from that of the teacher's layer `layer.source`; arguments as of `Surgery.cut`."""
    block = dict(teacher.get_submodule(f"{_BLOCKS}{layer.source}").state_dict(keep_vars=True))
    old = TeacherBlock(block, observed, f"blocks.{layer.source}.")
    return old.state | cut_attention(old, layer, teacher.spec) | cut_mlp(old, layer, leading=leading)


def _positions(state: State, spec: TrackerSpec) -> State:
    """The positions of both crops, for a student whose crops have another grid; the teacher's own where they have not.

    Learned ones are interpolated; fixed ones are those of the other grid, as MixFormerV2-S has them.
    """
    found: State = {}
    for name, patches in (("pos_embed_z", spec.template_patches), ("pos_embed_x", spec.search_tokens)):
        table = state[f"backbone.{name}"]
        if table.shape[1] != patches:
            side = math.isqrt(patches)
            fixed = spec.position == "sincos"
            new = sincos_positions(side, spec.dim).to(table) if fixed else resized_positions(table, side)
            found[f"backbone.{name}"] = new
    return found


SURGERY.register("vit", VitSurgery())
