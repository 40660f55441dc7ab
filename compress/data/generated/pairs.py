"""Training pairs: a template and a search crop of one scene at two times, drawn straight at crop size."""

from __future__ import annotations

import math
from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from compress.data.generated.difficulty import random_levels
from compress.data.generated.random_scene import make_scene
from compress.data.generated.raster import Image
from compress.data.generated.scene import Scene, View
from compress.data.generated.textures import Random
from compress.data.pairs import Pairs, jittered

_LENGTH = 120
_SIZES = ((320, 240), (360, 240), (400, 300), (480, 270), (288, 352), (640, 360))


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
) -> Pairs:
    """Batch number `index` of the endless stream that `seed` names; the same numbers give the same batch.

    The search crop is jittered as OSTrack's training does it: centre by up to 1.5 box sizes, size by exp(0.25·N(0, 1)).
    """
    rng = np.random.Generator(np.random.PCG64(np.random.SeedSequence([seed, index])))
    sizes = ((template_size, template_factor), (search_size, search_factor))
    found: list[tuple[Image, Image, NDArray[np.float32]]] = []
    scenes: list[int] = []
    number = 0
    while len(found) < count:
        scene = _random_scene(rng, images)
        shown = [_pair(rng, scene, *sizes) for _ in range(min(per_scene, count - len(found)))]
        kept = [pair for pair in shown if pair is not None]
        found += kept
        scenes += [number] * len(kept)
        number += 1
    templates, searches, boxes = zip(*found, strict=True)
    return Pairs(np.stack(templates), np.stack(searches), np.stack(boxes), np.array(scenes))


def _random_scene(rng: Random, images: Sequence[Image]) -> Scene:
    width, height = _SIZES[rng.integers(len(_SIZES))]
    return make_scene(rng, random_levels(rng), width=width, height=height, length=_LENGTH, images=images)


def _pair(
    rng: Random, scene: Scene, template: tuple[int, float], search: tuple[int, float]
) -> tuple[Image, Image, NDArray[np.float32]] | None:
    first = int(rng.integers(0, _LENGTH))
    second = int(np.clip(first + rng.integers(-100, 101), 0, _LENGTH - 1))
    box_t, share_t = scene.box(first)
    box_s, share_s = scene.box(second)
    if min(share_t, share_s) < 0.25 or min(*box_t[2:], *box_s[2:]) < 6:
        return None
    around_target = scene.draw(first, _view(box_t, *template)[0])
    around_search, box = _search_crop(rng, scene, second, box_s, *search)
    return (*_degrade(rng, around_target, around_search), box)


def _search_crop(
    rng: Random, scene: Scene, t: int, box: NDArray[np.float64], size: int, factor: float
) -> tuple[Image, NDArray[np.float32]]:
    grown = jittered(rng, box)
    view, (x, y, side) = _view(grown, size, factor)
    centre = (box[:2] + box[2:] / 2 - (x, y)) / side
    return scene.draw(t, view), np.concatenate([centre, box[2:] / side]).astype(np.float32)


def _view(box: NDArray[np.float64], size: int, factor: float) -> tuple[View, tuple[int, int, int]]:
    """The view that cropping the whole frame around `box` and resizing would show, and its corner and side."""
    x, y, w, h = (float(v) for v in box)
    side = math.ceil(math.sqrt(w * h) * factor)
    left, top = round(x + 0.5 * w - 0.5 * side), round(y + 0.5 * h - 0.5 * side)
    return View.crop(left, top, side, size), (left, top, side)


def _degrade(rng: Random, template: Image, search: Image) -> tuple[Image, Image]:
    """What cameras and codecs do: grey video, compression, softening and sharpening."""
    if rng.random() < 0.06:
        template, search = _grey(template), _grey(search)
    choice = rng.random(2)
    if choice[0] < 0.35:
        quality = int(rng.integers(25, 90))
        template, search = _compress(template, quality), _compress(search, quality)
    if choice[1] < 0.15:
        template, search = cv2.blur(template, (3, 3)), cv2.blur(search, (3, 3))  # type: ignore[assignment]
    elif choice[1] < 0.35:
        template, search = _sharpen(template), _sharpen(search)
    return template, search


def _grey(image: Image) -> Image:
    return np.repeat(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)[..., None], 3, axis=2).astype(np.uint8)


def _compress(image: Image, quality: int) -> Image:
    done, data = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, quality])
    return cv2.imdecode(data, cv2.IMREAD_COLOR) if done else image  # type: ignore[return-value]


def _sharpen(image: Image) -> Image:
    return cv2.addWeighted(image, 2.0, cv2.blur(image, (3, 3)), -1.0, 0.0)  # type: ignore[return-value]
