"""Adaptive trackers whose decisions divide the frames of a sequence, so that many ways are taken."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor

from compress.core import ExecutionPath
from compress.geometry import Answer, FrameTracker, LoopSettings
from compress.models import NumpyNetwork, VitTracker


class _Noting(NumpyNetwork):
    """Keeps the crops that it was given."""

    def __init__(self, model: VitTracker) -> None:
        super().__init__(model)
        self.crops: list[np.ndarray] = []

    def track(self, search: Any, memory: Any) -> Answer:
        self.crops.append(search)
        return super().track(search, memory)


@torch.no_grad()
def divided(model: VitTracker, sequence: Any) -> VitTracker:
    """Move the model's gates and scores, in place, so that each of them parts the frames of the sequence.

    Every gate skips for half of the frames; a share of the frames leaves at every exit.
    """
    search, memory = _frames(model, sequence)
    for column, layer in enumerate(model.spec.skippable):
        logits = _decisions(model, search, memory).bypass[:, column].logit()
        _lower(model.get_submodule(f"bypass.gates.{layer}").bias, _between(logits, 0.5))
    left = torch.ones(len(search), dtype=torch.bool)
    for k in range(len(model.spec.exits) - 1):
        logits = _decisions(model, search, memory).scores[:, k].logit()
        threshold = _between(logits[left], 1 - 1 / (len(model.spec.exits) - k))
        _lower(list(model.exit(k).get_submodule("score").children())[-1].bias, threshold)
        left &= logits < threshold
    return model


def _frames(model: VitTracker, sequence: Any) -> tuple[Tensor, dict[str, Tensor]]:
    """All search crops of the sequence, followed on the longest way, and the memory of each."""
    spec = model.spec
    longest = ExecutionPath(frozenset(), len(spec.exits) - 1 if spec.exits else None)
    network = _Noting(model)
    tracker = FrameTracker(network.along(longest), LoopSettings.of(spec, update_interval=0))
    tracker.start(sequence.frame(0), sequence.boxes[0])
    for i in range(1, len(sequence)):
        tracker.update(sequence.frame(i))
    search = torch.from_numpy(np.concatenate(network.crops))
    memory = {name: value.expand(len(search), *value.shape[1:]) for name, value in tracker._memory.items()}
    return search, memory


def _decisions(model: VitTracker, search: Tensor, memory: dict[str, Tensor]) -> Any:
    """What the model decides for every crop, all exits and gates asked."""
    return model.track(search, memory, every_exit=True).decisions


def _lower(bias: Any, amount: Tensor) -> None:
    bias.sub_(amount)


def _between(values: Tensor, share: float) -> Tensor:
    """A number with about `share` of the values below it, halfway between two of them."""
    ordered = values.sort().values
    place = min(max(1, round(share * len(values))), len(values) - 1)
    return ordered[place - 1 : place + 1].mean()
