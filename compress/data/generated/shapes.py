"""Objects: an outline of one of many kinds, filled with texture and parts, in a few phases of movement."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

import cv2
import numpy as np
from numpy.typing import NDArray

from compress.data.generated.raster import Image, pyramid
from compress.data.generated.textures import Palette, Random, texture

SIDE = 96
"""Pixels on a side of an object's own raster; its outline fills it."""

PHASES = 4
_DRAWN = 2 * SIDE


@dataclass
class Sprite:
    """One object. `phase(k)` gives its RGBA raster (premultiplied, as a pyramid) in movement phase `k`.

    Its alpha holds the outline times `opacity` (in 255ths), so alpha > opacity/2 is where the object is.
    """

    outlines: Sequence[Image]
    skin: Image
    slide: int
    opacity: int
    _made: dict[int, list[Image]] = field(default_factory=dict)

    def phase(self, k: int) -> list[Image]:
        k %= len(self.outlines)
        if k not in self._made:
            # The skin slides under the outline: a cheap turning out of the image plane.
            colour = self.skin[:, k * self.slide : k * self.slide + SIDE]
            alpha = (self.outlines[k].astype(np.uint16) * self.opacity + 127) // 255
            rgb = (colour * alpha[..., None] + 127) // 255
            self._made[k] = pyramid(np.dstack([rgb, alpha]).astype(np.uint8))
        return self._made[k]


def make_sprite(
    rng: Random, palette: Palette, *, deformation: float, transparency: float, images: Sequence[Image] = ()
) -> Sprite:
    """A random object. `deformation` and `transparency` in [0, 1] say how far its phases and its opacity go."""
    outlines = _outlines(rng, deformation)
    skin = texture(rng, 2 * SIDE, palette, images)[:SIDE].copy()
    _add_parts(rng, skin, palette)
    _shade(rng, skin)
    slide = int(deformation * rng.integers(0, SIDE // (PHASES - 1) + 1))
    opacity = 255 - int(transparency * rng.integers(0, 150))
    return Sprite(outlines=outlines, skin=skin, slide=slide, opacity=opacity)


def _outlines(rng: Random, deformation: float) -> list[Image]:
    kinds = (_blob, _blob, _figure, _figure, _box, _vehicle, _ellipse, _star, _ring)
    kind = kinds[rng.integers(len(kinds))]
    shape = rng.random(16)
    return [_raster(kind(shape, deformation * math.sin(2 * math.pi * k / PHASES))) for k in range(PHASES)]


def _raster(polygons: list[NDArray[np.float64]]) -> Image:
    """(SIDE, SIDE) coverage of the union of polygons; a polygon that winds the other way is a hole (second and on)."""
    points = np.concatenate(polygons)
    low, high = points.min(0), points.max(0)
    canvas = np.zeros((_DRAWN, _DRAWN), np.uint8)
    for polygon in polygons:
        at = np.rint((polygon - low) / np.maximum(high - low, 1e-9) * (_DRAWN - 1)).astype(np.int32)
        cv2.fillPoly(canvas, [at], 255 if _area(polygon) > 0 else 0)
    return pyramid(canvas, 2)[1]


def _area(polygon: NDArray[np.float64]) -> float:
    """Twice the signed area; negative for a polygon that winds the other way."""
    x, y = polygon[:, 0], polygon[:, 1]
    return float(x[:-1] @ y[1:] - x[1:] @ y[:-1] + x[-1] * y[0] - x[0] * y[-1])


def _curve(radius: NDArray[np.float64], angle: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.stack([radius * np.cos(angle), radius * np.sin(angle)], 1)


def _angles(count: int) -> NDArray[np.float64]:
    return np.arange(count, dtype=np.float64) * (2 * math.pi / count)


def _blob(shape: NDArray[np.float64], bend: float) -> list[NDArray[np.float64]]:
    angle = _angles(48)
    radius: NDArray[np.float64] = np.ones(48)
    for k in range(2, 6):
        radius += (0.5 / k) * shape[k] * np.cos(k * angle + 6.28 * shape[k + 4] + bend)
    return [_curve(np.maximum(radius, 0.2), angle)]


def _ellipse(shape: NDArray[np.float64], bend: float) -> list[NDArray[np.float64]]:
    angle = _angles(40)
    return [_curve(1 + 0.25 * bend * np.cos(2 * angle + 6.28 * shape[0]), angle)]


def _star(shape: NDArray[np.float64], bend: float) -> list[NDArray[np.float64]]:
    count = 6 + 2 * int(4 * shape[0])
    radius = np.where(np.arange(count) % 2 == 0, 1.0, 0.4 + 0.4 * shape[1] + 0.15 * bend)
    return [_curve(radius, _angles(count) + 6.28 * shape[2])]


def _ring(shape: NDArray[np.float64], bend: float) -> list[NDArray[np.float64]]:
    outer = _blob(shape, bend)[0]
    inner = _curve(np.full(32, 0.2 + 0.3 * shape[9]), _angles(32))[::-1]
    return [outer, inner]


def _rectangle(x: float, y: float, w: float, h: float) -> NDArray[np.float64]:
    return np.array([[x, y], [x + w, y], [x + w, y + h], [x, y + h]])


def _box(shape: NDArray[np.float64], bend: float) -> list[NDArray[np.float64]]:
    cut, lean = 0.3 * shape[0], 0.5 * (shape[1] - 0.5) + 0.3 * bend
    corners = [(cut, 0), (1 - cut, 0), (1, cut), (1, 1 - cut), (1 - cut, 1), (cut, 1), (0, 1 - cut), (0, cut)]
    return [np.array([(x + lean * y, y) for x, y in corners])]


def _vehicle(shape: NDArray[np.float64], bend: float) -> list[NDArray[np.float64]]:
    roof, left = 0.35 + 0.2 * shape[0], 0.25 * shape[1] + 0.1 * bend
    cabin = np.array([[left + 0.1, 0], [left + 0.2 + 0.4 * shape[2], 0], [0.95, roof], [left, roof]])
    return [
        cabin,
        _rectangle(0, roof * 0.95, 1, 0.9 - roof),
        *(_curve(np.full(16, 0.13), _angles(16)) + (x, 0.87) for x in (0.2, 0.8)),
    ]


def _figure(shape: NDArray[np.float64], bend: float) -> list[NDArray[np.float64]]:
    """Head, body, swinging arms and legs; about a person's proportions."""
    wide, swing = 0.16 + 0.1 * shape[0], 0.5 * bend + 0.25 * (shape[1] - 0.5)
    parts = [_curve(np.full(20, 0.09 + 0.03 * shape[2]), _angles(20)) + (0.0, 0.1)]
    parts.append(_rectangle(-wide, 0.18, 2 * wide, 0.4))
    thick = 0.05 + 0.05 * shape[3]
    for side in (-1, 1):
        parts.append(_limb(side * wide, 0.22, -side * swing + 0.15 * side, 0.36, thick * 0.8))
        parts.append(_limb(side * wide * 0.5, 0.55, side * swing, 0.45, thick * 1.2))
    return parts


def _limb(x: float, y: float, angle: float, length: float, thick: float) -> NDArray[np.float64]:
    dx, dy = math.sin(angle), math.cos(angle)
    ends = [(-dy, dx, 0.0), (dy, -dx, 0.0), (dy, -dx, length), (-dy, dx, length)]
    points = np.array([(x + thick * a + dx * r, y + thick * b + dy * r) for a, b, r in ends])
    return points if _area(points) > 0 else points[::-1]


def _add_parts(rng: Random, skin: Image, palette: Palette) -> None:
    """Bands and patches of other colours, as clothes, windows and markings are."""
    height, width = skin.shape[:2]
    for _ in range(int(rng.integers(0, 6))):
        colour = tuple(int(c) for c in palette[rng.integers(len(palette))])
        x, y = int(rng.integers(-20, width)), int(rng.integers(-20, height))
        w, h = (int(k) for k in rng.integers(6, 60, 2))
        choice = rng.random()
        if choice < 0.4:
            cv2.rectangle(skin, (0, y), (width, y + h), colour, -1)
        elif choice < 0.7:
            cv2.rectangle(skin, (x, y), (x + w, y + h), colour, -1)
        else:
            cv2.ellipse(skin, (x, y), (w, h), int(rng.integers(180)), 0, 360, colour, -1)


def _shade(rng: Random, skin: Image) -> None:
    corners = rng.integers(120, 256, (2, 2), dtype=np.uint8)
    light = cv2.resize(corners, skin.shape[1::-1], interpolation=cv2.INTER_LINEAR_EXACT)[..., None].astype(np.uint16)
    skin[:] = np.minimum((skin * light) >> 8, 255).astype(np.uint8)
