"""What a tracker loses by one variant in the place of the teacher's own half of a layer. Forward only."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from compress.distill.blockwise.activations import Walk, chunks
from compress.distill.blockwise.layers import Half
from compress.distill.losses import imitation_loss
from compress.distill.losses.boxes import corners, giou
from compress.distill.recipe import StudentRecipe
from compress.models import TrackerOutput

DISTILLATION = 0.1
"""Weight of the distillation loss beside the fall of the IoU, which is 0 for many variants that change little."""


@dataclass(frozen=True)
class VariantScore:
    """Of one variant, over pairs that it was not distilled on.

    Attributes:
        distillation: The loss of the tracker's maps against the teacher's, weighted as students are distilled.
        iou: By how much the mean IoU with the true boxes falls.
        local: `local_loss` of the half by itself.
    """

    distillation: float
    iou: float
    local: float = 0.0

    @property
    def loss(self) -> float:
        """What students are chosen by: the fall of the IoU, and where there is none the distillation loss.

        Summed over a student, it orders students before training as their AO does; see `benchmarks/blockwise.py`.
        """
        return max(0.0, self.iou) + DISTILLATION * self.distillation


class Scorer:
    """Scores variants on the pairs of a walk.

    Args:
        boxes: (N, 4), the true ones.
    """

    def __init__(self, walk: Walk, boxes: Tensor, recipe: StudentRecipe) -> None:
        self._walk, self._recipe = walk, recipe
        self._boxes = corners(boxes.to(walk.start.device)).clamp(0, 1)
        behind = list(walk.layers())[-1].behind
        self._answers = [self._answer(behind[rows]) for rows in chunks(len(behind))]
        self._iou = self._overlap(self._answers)

    def score(self, tokens: Tensor, layer: int, *, first: int) -> tuple[float, float]:
        """`distillation` and `iou` where `tokens` (N, tokens, dim) go into the teacher.

        Args:
            layer, first: They go into the attention (0) or the MLP (1) of this layer, counted from 0; behind the last
                layer, into the head.
        """
        halves = [half for pair in self._walk.halves for half in pair][2 * layer + first :]
        answers, losses = [], []
        for rows, wanted in zip(chunks(len(tokens)), self._answers, strict=True):
            found = self._answer(self._onward(halves, tokens[rows], self._walk.finished[rows]))
            parts = imitation_loss(found.maps, wanted.maps)
            loss = sum(self._recipe.weights[name] * float(value) for name, value in parts.items())
            losses.append(loss * len(found.boxes))
            answers.append(found)
        return sum(losses) / len(tokens), self._iou - self._overlap(answers)

    @torch.no_grad()
    def _onward(self, halves: list[Half], x: Tensor, finished: Tensor) -> Tensor:
        for half in halves:
            x = half(x, finished)
        return x

    @torch.no_grad()
    def _answer(self, x: Tensor) -> TrackerOutput:
        teacher = self._walk.teacher
        return teacher.answer(teacher.features(x))

    def _overlap(self, answers: list[TrackerOutput]) -> float:
        found = corners(torch.cat([each.boxes for each in answers]))
        return float(giou(found, self._boxes)[1].mean())
