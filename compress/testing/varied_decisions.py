"""Adaptive trackers whose decisions divide the frames of a sequence, so that many execution paths are taken."""

from __future__ import annotations

from collections.abc import Callable
from itertools import chain
from typing import Any

import numpy as np
import torch
from torch import Tensor

from compress.core import CompressError, ExecutionPath, TrackerSpec
from compress.geometry import FrameTracker, LoopSettings, Network, NetworkOutput
from compress.models import NumpyNetwork, VitTracker
from compress.runtime import Thresholds


class _Noting:
    """A network that keeps the crops it is given, and its answers."""

    def __init__(self, network: Network) -> None:
        self._network = network
        self.encode_template = network.encode_template
        self.crops: list[np.ndarray] = []
        self.answers: list[NetworkOutput] = []

    def track(self, search: Any, memory: Any) -> NetworkOutput:
        self.crops.append(search)
        self.answers.append(self._network.track(search, memory))
        return self.answers[-1]


def with_varied_decisions(
    make: Callable[[int], VitTracker], sequence: Any, *also: Any, margin: float = 5e-3
) -> VitTracker:
    """The first of `make(0)`, `make(1)`, … whose decisions, moved between the frames, differ and are far from a tie.

    What a random network decides depends on how the processor rounds, since a box that moves by a pixel changes all
    crops that follow. So the seed is searched for when it is needed, rather than recorded on another machine.

    Args:
        make: A tracker with random weights by its seed.
        sequence: Frames over which every exit is taken, and some layers are skipped and some are not.
        also: More sequences; no decision in any of them lies within `margin` of its threshold.
        margin: As a difference of probabilities or scores.
    """
    for seed in range(100):
        model = _moved(make(seed), sequence)
        network, thresholds = NumpyNetwork(model), Thresholds.of(model.spec)
        answers = [_answers(network, model.spec, each) for each in (sequence, *also)]
        if _differ(model.spec, answers[0]) and min(thresholds.margin(each) for each in chain(*answers)) > margin:
            return model
    raise CompressError("No seed below 100 gives a network whose decisions differ over these frames.")


@torch.no_grad()
def _moved(model: VitTracker, sequence: Any) -> VitTracker:
    """Move the model's gates and scores, in place, so that each of them divides the frames of the sequence.

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


def _answers(network: Network, spec: TrackerSpec, sequence: Any) -> list[NetworkOutput]:
    """Of a tracker that follows its own boxes, and renews its template every third frame where it can."""
    noting = _Noting(network)
    tracker = FrameTracker(noting, LoopSettings.of(spec, update_interval=3 if spec.head.score else None))
    tracker.start(sequence.frame(0), sequence.boxes[0])
    for i in range(1, len(sequence)):
        tracker.update(sequence.frame(i))
    return noting.answers


def _differ(spec: TrackerSpec, answers: list[NetworkOutput]) -> bool:
    paths = [answer.path for answer in answers if answer.path is not None]
    exits = {path.exit for path in paths}
    skips = {bool(path.skipped) for path in paths}
    return len(exits) == max(1, len(spec.exits)) and len(skips) == 1 + (spec.bypass is not None)


def _frames(model: VitTracker, sequence: Any) -> tuple[Tensor, dict[str, Tensor]]:
    """All search crops of the sequence, followed on the longest path, and the memory of each."""
    spec = model.spec
    longest = ExecutionPath(frozenset(), len(spec.exits) - 1 if spec.exits else None)
    network = _Noting(NumpyNetwork(model).along(longest))
    tracker = FrameTracker(network, LoopSettings.of(spec, update_interval=0))
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
    """A number with about `share` of the values below it, in the middle of a wide gap; above all where they are one."""
    ordered = values.sort().values
    if float(ordered[-1] - ordered[0]) < 0.1:
        return ordered[-1] + 1
    first = min(max(0, round((share - 0.25) * len(ordered))), len(ordered) - 2)
    gaps = ordered.diff()[first : max(first + 1, round((share + 0.25) * len(ordered)))]
    place = first + int(gaps.argmax())
    return ordered[place : place + 2].mean()
