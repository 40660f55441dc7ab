"""How a student is distilled."""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields, replace
from typing import Any

from compress.core import TrackerSpec
from compress.distill.losses.adaptive import IMITATION, SCORE, SPARSITY
from compress.distill.procedure import StudentProcedure
from compress.distill.recipe_file import Recipe
from compress.distill.trainer_settings import PUBLISHED, LossWeights, TrainerSettings

_FULL_SIZE = 384
"""Width of a ViT-S."""

_REPORTS = 20
_LATER = ("procedure", "pairs", "schedule")
"""Fields that came later, and are left out where nothing is said of them, so that what was kept before is found."""


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
        procedure: How it gets from the teacher's weights to its own.
        pairs: How pairs are drawn and varied, by a name in `compress.data.pairs.PAIR_RECIPES`.
        schedule: A published schedule, which then stands in place of the cosine over each training.
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
    procedure: StudentProcedure = StudentProcedure()
    pairs: str = "default"
    schedule: Recipe | None = None

    def trainer(self, steps: int, spec: TrackerSpec | None = None) -> TrainerSettings:
        """How a training of `steps` goes.

        Args:
            spec: Of what is trained: the backbone of a full-size ViT learns at a tenth of the rate, as OSTrack,
                LiteTrack, MixFormerV2 and DyTrack have it. HiT's LeViT and ABTrack's small ViTs learn at one rate.
        """
        if self.schedule is not None:
            return self.schedule.trainer(steps, reports=_REPORTS)
        full_size = spec is not None and len(spec.group_ends) == 1 and spec.dim >= _FULL_SIZE
        return TrainerSettings(
            steps=steps,
            lr=self.lr,
            warmup=round(self.warmup * steps),
            weight_decay=self.weight_decay,
            ema=self.ema,
            report_every=max(1, steps // _REPORTS),
            backbone_lr=0.1 if full_size else 1.0,
        )

    def following(self, recipe: Recipe) -> StudentRecipe:
        """This one with the batch, the optimiser, the losses and the layers of features that a recipe states.

        Its schedule and its pairs are what a fine-tuning takes from `Recipe.trainer` and for itself, and it has no
        stages; a search takes all but the stochastic depth, see `of`.
        """
        own = ("weight_decay", "ema") if recipe.epochs else ()
        stated = {name: getattr(recipe, name) for name in ("batch", "lr", "loss", *own)}
        features = StudentProcedure(feature_layers=recipe.student.feature_layers)
        return replace(self, procedure=features, **stated, **recipe.distillation)  # type: ignore[arg-type]

    @classmethod
    def of(cls, recipe: Recipe) -> StudentRecipe:
        """How a search trains its students by a recipe, in as many steps as it says itself."""
        # What is said elsewhere, or to people, is no part of a schedule: students are kept by it.
        bare = replace(recipe, description="", pairs="default", distillation={}, student=StudentProcedure())
        schedule = bare if recipe.epochs else None
        return replace(cls().following(recipe), procedure=recipe.student, pairs=recipe.pairs, schedule=schedule)

    def figures(self) -> dict[str, Any]:
        """All that is said of it, as plain data."""
        unsaid = {f.name for f in fields(self) if f.name in _LATER and getattr(self, f.name) == f.default}
        return {name: each for name, each in asdict(self).items() if name not in unsaid}

    def to_dict(self) -> dict[str, Any]:
        """For fingerprints; without `loss` where that is the published one, so that what was kept before is found."""
        found = self.figures()
        return found if self.loss != PUBLISHED else {name: each for name, each in found.items() if name != "loss"}

    @property
    def weights(self) -> dict[str, float]:
        """Of the parts of the loss beside the ground truth, by name."""
        imitated = ("score", "box", "distribution", "presence")
        beside = {"feature": self.feature, "feature_raw": self.feature_raw, "sparsity": self.sparsity}
        exits = {"exits_iou": self.iou, "exits_imitation": self.self_imitation}
        return {f"imitate_{name}": getattr(self, name) for name in imitated} | beside | exits
