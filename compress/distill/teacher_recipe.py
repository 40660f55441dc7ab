"""How a teacher is trained: the options of `compress train-teacher`, which are read without torch."""

from __future__ import annotations

from dataclasses import dataclass

from compress.core.ranges import BATCH, DECAY, LEARNING_RATE, REUSE, SEED, STEPS, WARMUP, WEIGHT_DECAY
from compress.core.settings import check_settings, setting


@dataclass(frozen=True)
class TeacherRecipe:
    """How a teacher is trained.

    From its second use on, the templates of a batch are exchanged within their scene, which gives new valid pairs.

    Attributes:
        lr, warmup: Peak learning rate of AdamW and the steps of linear warm-up; a half cosine follows.
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

    def __post_init__(self) -> None:
        check_settings(self)
