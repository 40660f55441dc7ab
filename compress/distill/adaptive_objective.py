"""What a student with bypass or exits is trained for: first the static network, then it and its decisions together."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from torch import Tensor, nn

from compress.core import ExecutionPath
from compress.distill.batches import Batch
from compress.distill.losses import ground_truth_loss, imitation_loss
from compress.distill.losses.adaptive import ImitationAttention, difficulty, exits_parts, sparsity_loss
from compress.distill.objective import feature_parts, single_precision, student_output, weighted_sum
from compress.distill.recipe import StudentRecipe
from compress.distill.resolution import at_sizes
from compress.models import AdaptiveTracker, Tracker, TrackerOutput


class AdaptiveObjective:
    """The objective of a student with bypass or exits, in two stages (DyTrack, §IV-A; ABTrack trains bypass last, too).

    Static: no layer is skipped, only the last exit has a loss, and decisions are not trained. Joint: each frame skips
    the layers that it decides to skip, with the sparsity loss; every exit has a loss, and the last one, or all of them
    if the recipe says so, imitates the teacher.

    Attributes:
        attentions: Trained beside the student, and not needed afterwards: one for every exit but the last.

    Args:
        attentions: Of students that share them; the first ones are taken. None makes new ones.
    """

    def __init__(
        self, student: Tracker, recipe: StudentRecipe, static_steps: int, attentions: nn.ModuleList | None = None
    ) -> None:
        assert isinstance(student, AdaptiveTracker)
        self._student, self._recipe, self._static_steps = student, recipe, static_steps
        early = student.spec.exits[:-1]
        made = nn.ModuleList(ImitationAttention(student.spec.dim) for _ in early) if attentions is None else attentions
        self.attentions = made[: len(early)]

    def __call__(self, batch: Batch, step: int) -> dict[str, Tensor]:
        """`loss` and its parts at a step, counted from 0."""
        batch = at_sizes(batch, self._student.spec)
        return self._static(batch) if step < self._static_steps else self._joint(batch)

    def _static(self, batch: Batch) -> dict[str, Tensor]:
        with _detached_bypass(self._student):
            out = student_output(self._student, batch, every_exit=True, forced_path=ExecutionPath(skipped=frozenset()))
        maps = _exit_outputs(out)[-1].maps
        parts = imitation_loss(maps, batch.maps) | feature_parts(self._student, out, batch, self._recipe)
        return weighted_sum(ground_truth_loss(maps, batch.boxes, self._recipe.loss), parts, self._recipe)

    def _joint(self, batch: Batch) -> dict[str, Tensor]:
        spec, out = self._student.spec, student_output(self._student, batch, every_exit=True)
        assert out.decisions is not None
        answers = _exit_outputs(out)
        if spec.exits:
            assert out.decisions.features is not None
            features, weights = out.decisions.features, self._recipe.loss
            truth = exits_parts(answers, features, batch.boxes, self.attentions, weights)
        else:
            truth = ground_truth_loss(answers[-1].maps, batch.boxes, self._recipe.loss)
        parts = self._imitation(answers, batch) | feature_parts(self._student, out, batch, self._recipe)
        parts |= {name: truth.pop(name) for name in list(truth) if name.startswith("exits_")}
        if spec.bypass is not None and out.decisions.bypass is not None:
            hard = difficulty(answers[-1].boxes.float(), batch.boxes)
            skipped = out.decisions.skipped[:, spec.skippable.start :]
            parts["sparsity"] = sparsity_loss(out.decisions.bypass.float(), skipped, hard, spec.bypass)
            truth["skipped"] = skipped.float().mean()
        return weighted_sum(truth, parts, self._recipe)

    def _imitation(self, answers: list[TrackerOutput], batch: Batch) -> dict[str, Tensor]:
        """Imitation of the teacher by the last exit, and by the others with the recipe's weight `early`."""
        parts = imitation_loss(answers[-1].maps, batch.maps)
        if self._recipe.early:
            for each in answers[:-1]:
                for name, value in imitation_loss(each.maps, batch.maps).items():
                    parts[name] = parts[name] + self._recipe.early * value
        return parts


def _exit_outputs(out: TrackerOutput) -> list[TrackerOutput]:
    """The output of every exit, the last one last; of a tracker without exits its only one."""
    assert out.decisions is not None
    return [each._replace(maps=single_precision(each.maps)) for each in out.decisions.exits or (out,)]


@contextmanager
def _detached_bypass(student: AdaptiveTracker) -> Iterator[None]:
    """Within it no gradient passes through bypass decisions: neither they nor their token are trained while unused."""
    if student.bypass is None:
        yield
        return
    hook = student.bypass.register_forward_hook(lambda _module, _inputs, probability: probability.detach())
    try:
        yield
    finally:
        hook.remove()
