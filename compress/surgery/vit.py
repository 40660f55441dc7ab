"""A plain ViT's weights for a student: its layers cut down one by one, everything else as it is."""

from __future__ import annotations

from torch import Tensor

from compress.core import TrackerSpec
from compress.models import VitTracker
from compress.surgery.layer import TeacherBlock, cut_attention, cut_mlp
from compress.surgery.rank import Seen

State = dict[str, Tensor]
_BLOCKS = "backbone.blocks."


def cut_vit(teacher: VitTracker, spec: TrackerSpec, seen: dict[str, Seen] | None, *, leading: bool) -> State:
    """All of the teacher's tensors that a student of `spec` takes, under the student's names."""
    state = {k: v for k, v in teacher.state_dict().items() if not k.startswith(_BLOCKS)}
    for j, layer in enumerate(spec.layers):
        old = TeacherBlock(dict(teacher.backbone.blocks[layer.source].state_dict()), seen, f"blocks.{layer.source}.")
        new = old.state | cut_attention(old, layer, spec) | cut_mlp(old, layer, leading=leading)
        state |= {f"{_BLOCKS}{j}.{k}": v for k, v in new.items()}
    return state
