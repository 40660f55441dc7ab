"""Distilling what is decided per frame: first the network under the decisions, then everything together."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from torch import Tensor, nn

from compress.core import ExecutionPath
from compress.distill.losses import ground_truth_loss, imitation_loss
from compress.distill.losses.adaptive import ImitationAttention, difficulty, exits_parts, sparsity_loss
from compress.distill.objective import Batch, asked, feature_distillation, floats, total
from compress.distill.recipe import StudentRecipe
from compress.models import AdaptiveTracker, Tracker, TrackerOutput


class Adaptive:
    """The objective of a student with bypass or exits, in two stages (DyTrack, §IV-A; ABTrack trains bypass last, too).

    Static: no layer is skipped, and only the last exit answers for it; decisions learn nothing. Joint: frames go as
    they decide, with the sparsity loss; every exit answers, the last one also for what the teacher says.

    Attributes:
        attentions: Trained beside the student, and not needed afterwards: one for every exit but the last.
    """

    def __init__(self, student: Tracker, recipe: StudentRecipe, static_steps: int) -> None:
        assert isinstance(student, AdaptiveTracker)
        self._student, self._recipe, self._static_steps = student, recipe, static_steps
        self.attentions = nn.ModuleList(ImitationAttention(student.spec.dim) for _ in student.spec.exits[:-1])

    def __call__(self, batch: Batch, step: int) -> dict[str, Tensor]:
        """`loss` and its parts at a step, counted from 0."""
        return self._static(batch) if step < self._static_steps else self._joint(batch)

    def _static(self, batch: Batch) -> dict[str, Tensor]:
        with _deaf(self._student):
            out = asked(self._student, batch, every_exit=True, forced_path=ExecutionPath(skipped=frozenset()))
        maps = _answers(out)[-1].maps
        parts = imitation_loss(maps, batch.maps) | feature_distillation(self._student.spec, out.layers, batch)
        return total(ground_truth_loss(maps, batch.boxes), parts, self._recipe)

    def _joint(self, batch: Batch) -> dict[str, Tensor]:
        spec, out = self._student.spec, asked(self._student, batch, every_exit=True)
        assert out.decisions is not None
        answers = _answers(out)
        if spec.exits:
            assert out.decisions.features is not None
            truth = exits_parts(answers, out.decisions.features, batch.boxes, self.attentions)
        else:
            truth = ground_truth_loss(answers[-1].maps, batch.boxes)
        parts = self._imitation(answers, batch) | feature_distillation(spec, out.layers, batch)
        parts |= {name: truth.pop(name) for name in list(truth) if name.startswith("exits_")}
        if spec.bypass is not None and out.decisions.bypass is not None:
            hard = difficulty(answers[-1].boxes.float(), batch.boxes)
            skipped = out.decisions.skipped[:, spec.skippable.start :]
            parts["sparsity"] = sparsity_loss(out.decisions.bypass.float(), skipped, hard, spec.bypass)
            truth["skipped"] = skipped.float().mean()
        return total(truth, parts, self._recipe)

    def _imitation(self, answers: list[TrackerOutput], batch: Batch) -> dict[str, Tensor]:
        """Of the teacher by the last answer, and by the others as far as the recipe says."""
        parts = imitation_loss(answers[-1].maps, batch.maps)
        if self._recipe.early:
            for each in answers[:-1]:
                for name, value in imitation_loss(each.maps, batch.maps).items():
                    parts[name] = parts[name] + self._recipe.early * value
        return parts


def _answers(out: TrackerOutput) -> list[TrackerOutput]:
    """Of every exit, the last one last; of a tracker without exits its own."""
    assert out.decisions is not None
    return [each._replace(maps=floats(each.maps)) for each in out.decisions.exits or (out,)]


@contextmanager
def _deaf(student: AdaptiveTracker) -> Iterator[None]:
    """Within it bypass decisions hand no gradient on: neither they nor their token learn from what is not followed."""
    if student.bypass is None:
        yield
        return
    hook = student.bypass.register_forward_hook(lambda _module, _inputs, probability: probability.detach())
    try:
        yield
    finally:
        hook.remove()
