"""Textures without images: noise over octaves, dead leaves, stripes and checks, and gradients.

Dead leaves and coloured noise carry the edge and spectrum statistics of photographs; nothing is learned or loaded,
except where the user gives a folder of images.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from compress.core import FileError
from compress.data.generated.raster import Image
from compress.geometry import Pictures, check_image, image_files
from compress.geometry.image_headers import KINDS

Random = np.random.Generator
Palette = NDArray[np.uint8]


def random_palette(rng: Random, count: int = 6) -> Palette:
    """(count, 3) RGB colours around one tone, most of them little saturated, as in photographs."""
    tone = rng.integers(30, 226)
    tint = rng.integers(-60, 61, 3) * rng.random() ** 1.5
    spread = rng.integers(10, 110)
    value = tone + rng.integers(-spread, spread + 1, (count, 1))
    colour = value + np.rint(tint).astype(np.int64) + rng.integers(-25, 26, (count, 3)) * (rng.random() < 0.6)
    if rng.random() < 0.35:
        colour[rng.integers(count)] = rng.integers(0, 256, 3)
    return np.clip(colour, 0, 255).astype(np.uint8)


def texture(rng: Random, size: int, palette: Palette, images: Sequence[Image] = ()) -> Image:
    """One (size, size, 3) texture of a random kind; from `images`, where given, four times in five."""
    if images and rng.random() < 0.8:
        return _photograph(rng, size, images)
    kind = rng.random()
    if kind < 0.45:
        image = _leaves(rng, size, palette)
    elif kind < 0.7:
        image = _noise(rng, size, palette)
    elif kind < 0.85:
        image = _stripes(rng, size, palette)
    else:
        image = _gradient(rng, size, palette)
    if rng.random() < 0.75:
        image = _grain(rng, image)
    return image


def load_images(folder: Path, limit: int = 512, side: int = 384) -> list[Image]:
    """The user's own images as texture, each shrunk so that its shorter side is at least `side` pixels.

    Raises:
        FileError: when the folder holds no image or one is damaged.
    """
    out: list[Image] = []
    pictures = Pictures(texture_files(folder, limit), str(folder), one_size=False)
    for image in map(pictures.frame, range(len(pictures))):
        scale = side / min(image.shape[:2])
        shape = (max(side, round(image.shape[1] * scale)), max(side, round(image.shape[0] * scale)))
        out.append(cv2.resize(image, shape, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR_EXACT))  # type: ignore[arg-type]
    return out


def texture_files(folder: Path, limit: int = 512) -> Sequence[Path]:
    """The images of `folder` that serve as texture: the first `limit`.

    Raises:
        FileError: no such folder, one without images, or one whose first image cannot be read.
    """
    found = image_files(folder)[:limit]
    if not found:
        raise FileError(f"{folder} holds no image ({KINDS}) to serve as texture. Give a folder with some.")
    check_image(found[0])
    return found


def _up(grid: Image, size: int) -> NDArray[np.int16]:
    return cv2.resize(grid, (size, size), interpolation=cv2.INTER_LINEAR_EXACT).astype(np.int16)


def _field(rng: Random, size: int, finest: int) -> NDArray[np.int16]:
    """(size, size) noise in about ±128; each finer octave weighs a little less."""
    total, weight, cells = np.zeros((size, size), np.int32), 64, int(rng.integers(2, 5))
    fall = int(rng.integers(36, 60))
    while cells <= size // finest:
        total += (_up(rng.integers(0, 256, (cells, cells), dtype=np.uint8), size) - 128).astype(np.int32) * weight
        weight, cells = weight * fall // 64, cells * 2
    return np.clip(total >> 6, -128, 127).astype(np.int16)


def _noise(rng: Random, size: int, palette: Palette) -> Image:
    low, high = palette[rng.permutation(len(palette))[:2]].astype(np.int16)
    field = _field(rng, size, int(rng.integers(1, 6)))[..., None].astype(np.int32) + 128
    return np.clip(low + ((high - low).astype(np.int32) * field >> 8), 0, 255).astype(np.uint8)


def _leaves(rng: Random, size: int, palette: Palette) -> Image:
    image = np.empty((size, size, 3), np.uint8)
    image[:] = palette[0]
    count = int(rng.integers(40, 320))
    # Radii fall off as a power law, as the sizes of things in photographs do.
    radii = np.maximum(2, (size * 0.3 / (1 + 16 * rng.random(count))).astype(int))
    shades = palette[rng.integers(0, len(palette), count)] + rng.integers(-14, 15, (count, 3))
    colours = np.clip(shades, 0, 255).tolist()
    others = (radii * (0.25 + 0.75 * rng.random(count))).astype(int) + 1
    centres = (rng.random((count, 2)) * (size + radii[:, None]) - radii[:, None] / 2).astype(np.int32)
    shape = _LEAVES[rng.integers(len(_LEAVES))]
    turns = rng.random((count, 10))
    for i, (x, y) in enumerate(centres.tolist()):
        shape(image, x, y, int(radii[i]), int(others[i]), turns[i], colours[i])
    return image


def _oval(image: Image, x: int, y: int, a: int, b: int, turn: NDArray[np.float64], colour: list[int]) -> None:
    cv2.ellipse(image, (x, y), (a, b), int(180 * turn[0]), 0, 360, colour, -1)


def _shard(image: Image, x: int, y: int, a: int, b: int, turn: NDArray[np.float64], colour: list[int]) -> None:
    points = (turn.reshape(5, 2) * (2 * a, 2 * b) + (x - a, y - b)).astype(np.int32)
    cv2.fillPoly(image, [points], colour)


def _slab(image: Image, x: int, y: int, a: int, b: int, turn: NDArray[np.float64], colour: list[int]) -> None:
    a, b = (a, b) if turn[0] < 0.6 else (b, a)
    cv2.rectangle(image, (x - a, y - b), (x + a, y + b), colour, -1)


def _any_leaf(image: Image, x: int, y: int, a: int, b: int, turn: NDArray[np.float64], colour: list[int]) -> None:
    (_oval, _shard, _slab)[int(3 * turn[9])](image, x, y, a, b, turn, colour)


_LEAVES = (_oval, _shard, _slab, _any_leaf)


def _stripes(rng: Random, size: int, palette: Palette) -> Image:
    period = int(rng.integers(4, max(5, size // 5)))
    x, y = np.arange(size, dtype=np.int32)[None, :], np.arange(size, dtype=np.int32)[:, None]
    p, q = (int(k) for k in rng.integers(-3, 4, 2))
    first = ((p * x + q * y) // period if p or q else x // period + 0 * y) & 1
    if rng.random() < 0.4:
        first = first ^ ((x // period) & 1)
    return palette[first + 2 * (rng.random() < 0.5)]


def _gradient(rng: Random, size: int, palette: Palette) -> Image:
    corners = palette[rng.integers(0, len(palette), 4)].reshape(2, 2, 3)
    return cv2.resize(corners, (size, size), interpolation=cv2.INTER_LINEAR_EXACT)  # type: ignore[return-value]


def _grain(rng: Random, image: Image) -> Image:
    strength = int(rng.integers(8, 90))
    field = _field(rng, image.shape[0], int(rng.integers(1, 4)))[..., None].astype(np.int32)
    return np.clip(image + (field * strength >> 7), 0, 255).astype(np.uint8)


def _photograph(rng: Random, size: int, images: Sequence[Image]) -> Image:
    image = images[int(rng.integers(len(images)))]
    side = min(image.shape[:2])
    crop = int(side * (0.3 + 0.7 * rng.random()))
    x, y = rng.integers(0, image.shape[1] - crop + 1), rng.integers(0, image.shape[0] - crop + 1)
    part = image[y : y + crop, x : x + crop]
    return cv2.resize(part, (size, size), interpolation=cv2.INTER_LINEAR_EXACT)  # type: ignore[return-value]
