"""What makes a pair another one without changing where its target is: grey, brightness, mirroring."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from compress.data.pairs.recipe import LabelCentre, PairRecipe

Image = NDArray[np.uint8]


def augmented(
    rng: np.random.Generator, crops: list[Image], box: NDArray[np.float32], recipe: PairRecipe
) -> tuple[list[Image], NDArray[np.float32]]:
    """A pair varied as `recipe` says; nothing is drawn for one that says nothing.

    The published codes take colour and direction off whole frames before they cut; of crops the same comes cheaper.

    Args:
        crops: (S, S, 3) uint8 RGB, the search crop last.
        box: (4,) cx, cy, w, h of the target in the search crop, in shares of its side.

    Returns:
        Crops and box in the same form.
    """
    if not (recipe.grayscale or recipe.brightness or recipe.flip or recipe.crop_flip):
        return crops, box
    grey, mirror = rng.random() < recipe.grayscale, rng.random() < recipe.flip
    mirrored = [bool(mirror) != bool(rng.random() < recipe.crop_flip) for _ in crops]
    found = [_varied(rng, crop, grey, flip, recipe.brightness) for crop, flip in zip(crops, mirrored, strict=True)]
    if mirrored[-1]:
        box = box.copy()
        box[0] = 2 * label_middle(crops[-1].shape[0], recipe.label_centre) - box[0]
    return found, box


def label_middle(size: int, centre: LabelCentre) -> float:
    """Where the centre of a crop of `size` pixels lies in labels, as a share of its side."""
    return 0.5 if centre == "continuous" else (size - 1) / (2 * size)


def _varied(rng: np.random.Generator, crop: Image, grey: bool, mirror: bool, brightness: float) -> Image:
    if grey:
        crop = cv2.cvtColor(cv2.cvtColor(crop, cv2.COLOR_RGB2GRAY), cv2.COLOR_GRAY2RGB)  # type: ignore[assignment]
    if brightness:
        crop = cv2.convertScaleAbs(crop, alpha=rng.uniform(1 - brightness, 1 + brightness))  # type: ignore[assignment]
    return cv2.flip(crop, 1) if mirror else crop  # type: ignore[return-value]
