"""How a student is distilled."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import Any

from compress.core import TrackerSpec
from compress.distill.losses.adaptive import IMITATION, SCORE, SPARSITY
from compress.distill.recipe_file import Recipe
from compress.distill.trainer_settings import PUBLISHED, LossWeights, TrainerSettings

_FULL_SIZE = 384
"""Width of a ViT-S."""


@dataclass(frozen=True)
class StudentRecipe:
    """How a student is distilled. Loss: ground truth + weight · part, over the parts its head has.

    Attributes:
        lr, warmup: Peak learning rate of AdamW, and the share of the steps that warm it up; a half cosine follows.
        score, box: Weights of imitation of a centre head's scores and boxes.
        distribution: Of imitation of distributions over corners or sides (MixFormerV2).
        presence: Of imitation of a score head.
        feature: Of feature distillation, on normalised features.
        feature_raw: Of feature distillation on features as they are, which stands in its place under MixFormerV2's and
            MixViT's heads; on search tokens, where the published loss is over all tokens.
        static: Share of the steps in which an adaptive student is trained as a static one, all layers and the last
            exit, before everything is trained together; none where it was distilled before.
        sparsity: Weight of the share of layers that bypass skips (ABTrack).
        iou, self_imitation: Of the exits' predicted IoU and of the early exits' imitation of the last (DyTrack).
        early: Of imitation of the teacher's answers by the early exits, relative to that by the last.
        new: Learning rate of the exits' scores and recycling gates, which nothing was inherited for, over that of the
            rest (DyTrack, §IV-A: 10, for all but the backbone).
        calibration_passes: Passes over fixed pairs in which, at the end, the exits' scores alone are trained; see
            `calibrate_exit_scores`.
        ema: Decay of the averaged weights, which are what is kept.
        loss: Weights of the parts of the ground truth.
    """

    batch: int = 32
    lr: float = 5e-4
    warmup: float = 0.1
    weight_decay: float = 0.02
    score: float = 60.0
    box: float = 20.0
    distribution: float = 5.0
    presence: float = 1.0
    feature: float = 8.0
    feature_raw: float = 0.2
    static: float = 0.25
    sparsity: float = SPARSITY
    iou: float = SCORE
    self_imitation: float = IMITATION
    early: float = 0.0
    new: float = 4.0
    calibration_passes: int = 6
    ema: float = 0.99
    loss: LossWeights = PUBLISHED

    def trainer(self, steps: int, spec: TrackerSpec | None = None) -> TrainerSettings:
        """How a training of `steps` goes.

        Args:
            spec: Of what is trained: the backbone of a full-size ViT learns at a tenth of the rate, as OSTrack,
                LiteTrack, MixFormerV2 and DyTrack have it. HiT's LeViT and ABTrack's small ViTs learn at one rate.
        """
        full_size = spec is not None and len(spec.group_ends) == 1 and spec.dim >= _FULL_SIZE
        return TrainerSettings(
            steps=steps,
            lr=self.lr,
            warmup=round(self.warmup * steps),
            weight_decay=self.weight_decay,
            ema=self.ema,
            report_every=max(1, steps // 20),
            backbone_lr=0.1 if full_size else 1.0,
        )

    def following(self, recipe: Recipe) -> StudentRecipe:
        """This one with the batch, the optimiser and the weights of parts that a published recipe states.

        Its schedule, its pairs and its stochastic depth are not part of a student's recipe: see `Recipe.trainer`.
        """
        stated = {name: getattr(recipe, name) for name in ("batch", "lr", "weight_decay", "ema", "loss")}
        return replace(self, **stated, **recipe.distillation)  # type: ignore[arg-type]

    def to_dict(self) -> dict[str, Any]:
        """For fingerprints; without `loss` where that is the published one, so that what was kept before is found."""
        found = asdict(self)
        return found if self.loss != PUBLISHED else {name: each for name, each in found.items() if name != "loss"}

    @property
    def weights(self) -> dict[str, float]:
        """Of the parts of the loss beside the ground truth, by name."""
        imitated = ("score", "box", "distribution", "presence")
        beside = {"feature": self.feature, "feature_raw": self.feature_raw, "sparsity": self.sparsity}
        exits = {"exits_iou": self.iou, "exits_imitation": self.self_imitation}
        return {f"imitate_{name}": getattr(self, name) for name in imitated} | beside | exits
