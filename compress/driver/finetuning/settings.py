"""What a fine-tuning is asked to do, said once: options, flags in messages, keywords of `compress.finetune`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypedDict

from compress.core.byte_sizes import parsed_bytes
from compress.core.ranges import MINUTES, PAIRS, SEED, STEPS
from compress.core.settings import check_settings, flag_of, setting


@dataclass(frozen=True)
class FinetuneSettings:
    """Settings of one fine-tuning. Empty texts take what the run took.

    Attributes:
        recipe: Without one, the recipe of a search's students, whose half cosine is then as long as `steps`.
        steps: None for all that the recipe has, 2,000 without one.

    Raises:
        UsageError: naming all settings that cannot be.
    """

    steps: int | None = setting(
        None, "Optimiser steps, the whole schedule (default the recipe's, 2000 without one).", numbers=STEPS
    )
    recipe: str = setting("", "A published recipe (default that of a search).", form="NAME|FILE")
    train_data: str = setting("", "What it is distilled on; see below (default what RUN distilled on).", form="SOURCE")
    images: str = setting("", "Your images as generated texture (default as in RUN).", folder=True)
    data: str = setting(
        "", "What it is compared with its parent on (default validation data of what RUN scored on).", form="SOURCE"
    )
    weights: str = setting("", "The teacher's weights, where they are not where RUN has them.")
    pool: int | None = setting(None, "Pairs to distil on (default a pool, or new ones, by the steps).", numbers=PAIRS)
    cache_size: str = setting("4GB", "Disk for pairs with kept answers; 0: new pairs every step.", form="SIZE")
    save_every: float = setting(1.0, "Minutes between two saves of the training, at most.", numbers=MINUTES)
    seed: int = setting(0, "Seed of everything random.", numbers=SEED)
    device: Literal["auto", "cpu", "cuda"] = setting("auto", "Where it is trained; auto takes a free GPU.")

    def __post_init__(self) -> None:
        check_settings(self)
        parsed_bytes(flag_of(FinetuneSettings, "cache_size"), self.cache_size)


class FinetuneKeywords(TypedDict, total=False):
    """The fields of `FinetuneSettings` as keywords, for type checkers; a test holds the two equal."""

    steps: int | None
    recipe: str
    train_data: str
    images: str
    data: str
    weights: str
    pool: int | None
    cache_size: str
    save_every: float
    seed: int
    device: Literal["auto", "cpu", "cuda"]
