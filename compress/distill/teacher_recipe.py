"""How a teacher is trained: the options of `compress train-teacher`, which are read without torch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from compress.core import UsageError
from compress.core.ranges import (
    BATCH,
    CLIP,
    DECAY,
    LEARNING_RATE,
    REUSE,
    SEED,
    STEPS,
    UNIT,
    WARMUP,
    WEIGHT,
    WEIGHT_DECAY,
)
from compress.core.settings import check_settings, setting
from compress.distill.recipe_file import Recipe
from compress.distill.trainer_settings import (
    REPORTS,
    ComputeSettings,
    Decay,
    LossWeights,
    Schedule,
    TrainerSettings,
)


def _pair_recipes() -> list[str]:
    from compress.data.pairs import PAIR_RECIPES

    return PAIR_RECIPES.names()


@dataclass(frozen=True)
class TeacherRecipe:
    """How a teacher is trained.

    From its second use on, the templates of a batch are exchanged within their scene, which gives new valid pairs.

    Attributes:
        lr, warmup: Peak learning rate of AdamW and the steps of linear warm-up; `schedule` follows.
        pairs: Name in `PAIR_RECIPES`.
        drop_at: Share of the steps after which the step schedule takes a tenth of the rate.
        drop_path: Stochastic depth of the last layer, linear from 0, so that cut layers degrade gently.
        ema: Decay of the averaged weights, which are what is saved.
        init: What of timm's the backbone starts from, see `start_from_timm`; empty for fresh weights.

    Raises:
        UsageError: naming all settings that cannot be.
    """

    steps: int = setting(20_000, "Optimiser steps.", numbers=STEPS)
    batch: int = setting(64, "Pairs a step.", numbers=BATCH)
    reuse: int = setting(1, "Uses of each batch of pairs.", numbers=REUSE)
    lr: float = setting(1e-3, "Peak learning rate.", numbers=LEARNING_RATE)
    warmup: int = setting(500, "Steps of linear warm-up.", numbers=WARMUP)
    weight_decay: float = setting(0.05, "Weight decay.", numbers=WEIGHT_DECAY)
    drop_path: float = setting(0.2, "Stochastic depth of the last layer.", numbers=DECAY)
    ema: float = setting(0.9995, "Decay of the averaged weights.", numbers=DECAY)
    init: str = setting("", "Start the backbone from a timm model in timm's cache, or a file of one.")
    seed: int = setting(0, "Seed of everything random.", numbers=SEED)
    pairs: str = setting("default", "How pairs are drawn and varied.", names=_pair_recipes)
    schedule: Schedule = setting("cosine", "Of the learning rate, after the warm-up.")
    drop_at: float = setting(0.8, "Share of the steps after which the step schedule drops.", numbers=UNIT)
    backbone_lr: float = setting(1.0, "Learning rate of the backbone over the rest's.", numbers=WEIGHT)
    clip: float = setting(1.0, "Norm that gradients are clipped to; 0 for none.", numbers=CLIP)
    beta2: float = setting(0.98, "Second beta of AdamW.", numbers=DECAY)
    decay: Decay = setting("matrices", "What weight decay applies to.")
    loss_score: float = setting(1.0, "Weight of the loss of scores.", numbers=WEIGHT)
    loss_iou: float = setting(2.0, "Weight of the loss of overlaps.", numbers=WEIGHT)
    loss_l1: float = setting(5.0, "Weight of the loss of distances.", numbers=WEIGHT)

    def __post_init__(self) -> None:
        check_settings(self)

    @classmethod
    def following(cls, recipe: Recipe, given: Mapping[str, Any]) -> TeacherRecipe:
        """A published recipe to its end, with what was given in the place of what it states.

        Args:
            given: Settings by name. Another `batch` changes the steps, so that as many pairs are seen; where they have
                `steps`, warm-up and drop keep their shares of them.

        Raises:
            UsageError: a recipe of students, which has no schedule.
        """
        if not recipe.epochs:
            raise UsageError(
                "This recipe says how students are trained, and has no schedule (epochs, pairs_per_epoch) for a "
                "teacher. Give another, or none."
            )
        recipe = replace(recipe, batch=given.get("batch", recipe.batch))
        steps = given.get("steps", recipe.steps)
        stated: dict[str, Any] = {
            "steps": steps,
            "warmup": recipe.trainer(steps).warmup,
            "drop_at": recipe.drop_share,
            **{f"loss_{name}": value for name, value in vars(recipe.loss).items()},
        }
        same = (
            "pairs",
            "batch",
            "lr",
            "weight_decay",
            "drop_path",
            "ema",
            "schedule",
            "backbone_lr",
            "clip",
            "beta2",
            "decay",
        )
        return cls(**{**stated, **{name: getattr(recipe, name) for name in same}, **given})

    @property
    def loss(self) -> LossWeights:
        """Weights of the parts of the loss."""
        return LossWeights(self.loss_score, self.loss_iou, self.loss_l1)

    def trainer(self, compute: ComputeSettings) -> TrainerSettings:
        """How the training goes on a device."""
        return TrainerSettings(
            steps=self.steps,
            lr=self.lr,
            warmup=self.warmup,
            weight_decay=self.weight_decay,
            ema=self.ema,
            report_every=max(1, self.steps // REPORTS),
            schedule=self.schedule,
            drop=round(self.steps * self.drop_at),
            clip=self.clip,
            backbone_lr=self.backbone_lr,
            beta2=self.beta2,
            decay=self.decay,
            compute=compute,
        )
