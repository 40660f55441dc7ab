"""Training pairs: a template and a search crop of one scene at two times, drawn straight at crop size."""

from __future__ import annotations

import math
from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from compress.core import UsageError
from compress.data.generated.difficulty import random_levels
from compress.data.generated.random_scene import make_scene
from compress.data.generated.raster import Image
from compress.data.generated.scene import Scene, View
from compress.data.generated.textures import Random
from compress.data.pairs import FRAME_SAMPLERS, DrawnFrames, Jitter, PairRecipe, Pairs, jittered
from compress.data.pairs.augmentation import augmented, label_middle

_LENGTH = 120
_DEFAULT = PairRecipe()
_SIZES = ((320, 240), (360, 240), (400, 300), (480, 270), (288, 352), (640, 360))

_Pair = tuple[list[Image], Image, NDArray[np.float32]]
"""Templates, search crop, and the target's box in that."""


def sample_pairs(
    seed: int,
    index: int,
    count: int,
    *,
    template_size: int = 64,
    search_size: int = 128,
    template_factor: float = 2.0,
    search_factor: float = 4.0,
    per_scene: int = 8,
    images: Sequence[Image] = (),
    recipe: PairRecipe = _DEFAULT,
) -> Pairs:
    """Batch number `index` of the endless stream that `seed` names; the same numbers give the same batch.

    By default the search crop is jittered as OSTrack's training does it: centre by up to 1.5 box sizes, size by
    exp(0.25·N(0, 1)). Of a recipe its sampler, gaps, templates, jitter, augmentation and labels count; its rules of
    rejection and decoding are those of recorded frames.

    Raises:
        UsageError: a recipe of pairs without their target, which are not generated; or one with an unknown sampler.
    """
    if recipe.negatives:
        raise UsageError("Generated pairs all show their target. Train on recorded data where some should not.")
    rng = np.random.Generator(np.random.PCG64(np.random.SeedSequence([seed, index])))
    sizes = ((template_size, template_factor), (search_size, search_factor))
    found: list[_Pair] = []
    scenes: list[int] = []
    number = 0
    while len(found) < count:
        scene = _random_scene(rng, images)
        shown = _shown(scene) if _samples(recipe) else None
        made = [_pair(rng, scene, shown, *sizes, recipe) for _ in range(min(per_scene, count - len(found)))]
        kept = [pair for pair in made if pair is not None]
        found += kept
        scenes += [number] * len(kept)
        number += 1
    templates, searches, boxes = zip(*found, strict=True)
    more = np.array([each[1:] for each in templates]) if recipe.templates > 1 else None
    first = np.stack([each[0] for each in templates])
    return Pairs(first, np.stack(searches), np.stack(boxes), np.array(scenes), more)


def _random_scene(rng: Random, images: Sequence[Image]) -> Scene:
    width, height = _SIZES[rng.integers(len(_SIZES))]
    return make_scene(rng, random_levels(rng), width=width, height=height, length=_LENGTH, images=images)


def _pair(
    rng: Random,
    scene: Scene,
    shown: NDArray[np.bool_] | None,
    template: tuple[int, float],
    search: tuple[int, float],
    recipe: PairRecipe,
) -> _Pair | None:
    drawn = _nearby(rng, recipe.max_gap) if shown is None else FRAME_SAMPLERS[recipe.sampler](rng, shown, recipe)
    if drawn is None:
        return None
    boxes = [scene.box(t) for t in (*drawn.templates, drawn.search)]
    if not all(_shows(*each) for each in boxes):
        return None
    crops = [
        scene.draw(t, _view(_around(rng, box, recipe.template_jitter), *template)[0])
        for t, (box, _) in zip(drawn.templates, boxes, strict=False)
    ]
    around_search, box = _search_crop(rng, scene, drawn.search, boxes[-1][0], *search, recipe)
    crops, box = augmented(rng, _degrade(rng, [*crops, around_search]), box, recipe)
    return crops[:-1], crops[-1], box


def _samples(recipe: PairRecipe) -> bool:
    """Whether a sampler draws the frames, which has to know of all of a scene whether they show the target."""
    return recipe.sampler != _DEFAULT.sampler or recipe.templates > 1


def _nearby(rng: Random, gap: int) -> DrawnFrames:
    """Two frames at most `gap` apart, whatever they show."""
    first = int(rng.integers(0, _LENGTH))
    return DrawnFrames((first,), int(np.clip(first + rng.integers(-gap, gap + 1), 0, _LENGTH - 1)))


def _shown(scene: Scene) -> NDArray[np.bool_]:
    return np.array([_shows(*scene.box(t)) for t in range(_LENGTH)])


def _shows(box: NDArray[np.float64], share: float) -> bool:
    return share >= 0.25 and min(box[2:]) >= 6


def _around(rng: Random, box: NDArray[np.float64], jitter: Jitter) -> NDArray[np.float64]:
    return box if jitter == Jitter() else jittered(rng, box, jitter)


def _search_crop(
    rng: Random, scene: Scene, t: int, box: NDArray[np.float64], size: int, factor: float, recipe: PairRecipe
) -> tuple[Image, NDArray[np.float32]]:
    grown = _around(rng, box, recipe.search_jitter)
    view, (x, y, side) = _view(grown, size, factor)
    centre = (box[:2] + box[2:] / 2 - (x, y)) / side + (label_middle(size, recipe.label_centre) - 0.5)
    return scene.draw(t, view), np.concatenate([centre, box[2:] / side]).astype(np.float32)


def _view(box: NDArray[np.float64], size: int, factor: float) -> tuple[View, tuple[int, int, int]]:
    """The view that cropping the whole frame around `box` and resizing would show, and its corner and side."""
    x, y, w, h = (float(v) for v in box)
    side = math.ceil(math.sqrt(w * h) * factor)
    left, top = round(x + 0.5 * w - 0.5 * side), round(y + 0.5 * h - 0.5 * side)
    return View.crop(left, top, side, size), (left, top, side)


def _degrade(rng: Random, crops: list[Image]) -> list[Image]:
    """What cameras and codecs do, to all crops of a pair alike: grey video, compression, softening and sharpening."""
    if rng.random() < 0.06:
        crops = [_grey(crop) for crop in crops]
    choice = rng.random(2)
    if choice[0] < 0.35:
        quality = int(rng.integers(25, 90))
        crops = [_compress(crop, quality) for crop in crops]
    if choice[1] < 0.15:
        return [cv2.blur(crop, (3, 3)) for crop in crops]  # type: ignore[misc]
    return [_sharpen(crop) for crop in crops] if choice[1] < 0.35 else crops


def _grey(image: Image) -> Image:
    return np.repeat(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)[..., None], 3, axis=2).astype(np.uint8)


def _compress(image: Image, quality: int) -> Image:
    done, data = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, quality])
    return cv2.imdecode(data, cv2.IMREAD_COLOR) if done else image  # type: ignore[return-value]


def _sharpen(image: Image) -> Image:
    return cv2.addWeighted(image, 2.0, cv2.blur(image, (3, 3)), -1.0, 0.0)  # type: ignore[return-value]
