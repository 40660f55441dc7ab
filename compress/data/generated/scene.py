"""A scene: one target, what surrounds and hides it, and the camera; drawn at any time into any view."""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from compress.data.generated import raster
from compress.data.generated.motion import Camera, Path, Wave
from compress.data.generated.raster import Image, Matrix
from compress.data.generated.shapes import SIDE, Sprite

GROUND = 512
"""Pixels on a side of the background's raster."""


@dataclass(frozen=True)
class View:
    """A raster onto the frame: `to_frame` maps its pixels to frame pixels."""

    to_frame: Matrix
    width: int
    height: int

    @classmethod
    def crop(cls, x: float, y: float, side: float, size: int) -> View:
        """The square of `side` frame pixels whose corner is (x, y), on `size` pixels, as `cv2.resize` places them."""
        step = side / size
        shift = 0.5 * step - 0.5
        return cls((step, 0.0, x + shift, 0.0, step, y + shift), size, size)


@dataclass(frozen=True)
class Actor:
    """An object on its path, in the world, which the camera shows; the target's path is in the frame itself."""

    sprite: Sprite
    path: Path


@dataclass
class Scene:
    """Everything about one sequence; `draw` and `box` are functions of time.

    Attributes:
        width, height: Frame size in pixels.
        ground, ground_scale: The background's raster as a pyramid, and its pixels' size in frame pixels.
        behind, before: What the target hides, and what hides the target.
        light, shadow: Logarithm of each colour channel's gain, and where a shadow's edge is, in frame widths.
        blur: Share of a frame's time that the shutter is open.
        coarse: Side of the camera's pixels in frame pixels; `noise` its strength in grey levels.
    """

    width: int
    height: int
    ground: list[Image]
    ground_scale: float
    target: Actor
    behind: list[Actor]
    before: list[Actor]
    camera: Camera
    light: tuple[Wave, Wave, Wave]
    shadow: Wave
    blur: float
    coarse: float
    noise: int

    def draw(self, t: int, view: View) -> Image:
        """(height, width, 3) RGB of the scene at frame `t`; black where the view leaves the frame."""
        from_frame = raster.invert(view.to_frame)
        world = raster.compose(from_frame, self.camera.matrix(t))
        to_ground = raster.invert(raster.compose(world, self._ground_to_world()))
        canvas = raster.sample(self.ground, to_ground, view.width, view.height, reflect=True)
        for actor in self.behind:
            self._draw_actor(canvas, actor, t, world)
        self._draw_actor(canvas, self.target, t, from_frame)
        for actor in self.before:
            self._draw_actor(canvas, actor, t, world)
        canvas = self._expose(canvas, t, view)
        _blacken_outside(canvas, view, self.width, self.height)
        return canvas

    def box(self, t: int) -> tuple[NDArray[np.float64], float]:
        """Box (x, y, w, h) of the target's visible pixels in frame `t`, and the share of its pixels that is visible.

        Pixels outside the frame or under another object do not count. Nothing visible gives zeros and 0.
        """
        x0, y0, width, height = self._reach(t)
        share = 0.0
        box = np.zeros(4)
        if width > 0 and height > 0:
            view = View((1.0, 0.0, float(x0), 0.0, 1.0, float(y0)), width, height)
            covered, visible = self._masks(t, view)
            inside = visible[max(0, -y0) : self.height - y0, max(0, -x0) : self.width - x0]
            rows, columns = np.flatnonzero(inside.any(1)), np.flatnonzero(inside.any(0))
            if rows.size:
                box[:2] = columns[0] + max(x0, 0), rows[0] + max(y0, 0)
                box[2:] = columns[-1] - columns[0] + 1, rows[-1] - rows[0] + 1
                share = float(inside.sum() / max(1, covered.sum()))
        return box, share

    def _reach(self, t: int) -> tuple[int, int, int, int]:
        """Whole-pixel rectangle that holds the target at `t`, cut to one frame around the frame."""
        a, b, c, d, e, f = self.target.path.matrix(t, SIDE)
        xs = [a * u + b * v + c for u in (0, SIDE - 1) for v in (0, SIDE - 1)]
        ys = [d * u + e * v + f for u in (0, SIDE - 1) for v in (0, SIDE - 1)]
        x0, x1 = max(math.floor(min(xs)) - 1, -self.width), min(math.ceil(max(xs)) + 2, 2 * self.width)
        y0, y1 = max(math.floor(min(ys)) - 1, -self.height), min(math.ceil(max(ys)) + 2, 2 * self.height)
        return x0, y0, x1 - x0, y1 - y0

    def _masks(self, t: int, view: View) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
        from_frame = raster.invert(view.to_frame)
        hidden = np.zeros((view.height, view.width, 3), np.uint8)
        world = raster.compose(from_frame, self.camera.matrix(t))
        for actor in self.before:
            self._draw_actor(hidden, actor, t, world, mask=True)
        covered = np.zeros_like(hidden)
        self._draw_actor(covered, self.target, t, from_frame, mask=True)
        own = covered[..., 0] >= 128
        return own, own & (hidden[..., 0] < 128)

    def _ground_to_world(self) -> Matrix:
        s = self.ground_scale
        return s, 0.0, (self.width - s * GROUND) / 2, 0.0, s, (self.height - s * GROUND) / 2

    def _draw_actor(self, canvas: Image, actor: Actor, t: int, outer: Matrix, *, mask: bool = False) -> None:
        place = raster.compose(outer, actor.path.matrix(t, SIDE))
        a, b, c, d, e, f = place
        dx, dy = (0.0, 0.0) if mask else self._smear(actor, t, raster.scale_of(outer))
        xs = [a * u + b * v + c for u in (-1, SIDE) for v in (-1, SIDE)]
        ys = [d * u + e * v + f for u in (-1, SIDE) for v in (-1, SIDE)]
        margin_x, margin_y = math.ceil(abs(dx) / 2), math.ceil(abs(dy) / 2)
        x0, x1 = max(0, math.floor(min(xs)) - margin_x), min(canvas.shape[1], math.ceil(max(xs)) + 1 + margin_x)
        y0, y1 = max(0, math.floor(min(ys)) - margin_y), min(canvas.shape[0], math.ceil(max(ys)) + 1 + margin_y)
        if x0 >= x1 or y0 >= y1:
            return
        to_sprite = raster.compose(raster.invert(place), (1.0, 0.0, float(x0), 0.0, 1.0, float(y0)))
        patch = raster.sample(actor.sprite.phase(actor.path.phase(t)), to_sprite, x1 - x0, y1 - y0)
        if mask:
            alpha = np.minimum(patch[..., 3:].astype(np.uint16) * 255 // actor.sprite.opacity, 255)
            patch = np.broadcast_to(alpha.astype(np.uint8), (*patch.shape[:2], 4))
        else:
            patch = raster.smear(patch, dx, dy)
        raster.over(canvas, patch, x0, y0)

    def _smear(self, actor: Actor, t: int, scale: float) -> tuple[float, float]:
        vx, vy = actor.path.velocity(t) if self.blur else (0.0, 0.0)
        return (vx * self.blur * scale, vy * self.blur * scale) if abs(vx) + abs(vy) > 1 else (0.0, 0.0)

    def _expose(self, canvas: Image, t: int, view: View) -> Image:
        scale = raster.scale_of(view.to_frame)
        cx, cy = self.camera.velocity(t)
        if self.blur and abs(cx) + abs(cy) > 1.5:
            canvas = raster.smear(canvas, cx * self.blur / scale, cy * self.blur / scale)
        if self.coarse * max(1.0, 1 / scale) > 1.2:
            canvas = raster.coarsen(canvas, self.coarse / min(scale, 1.0))
        gains = [round(256 * math.exp(channel(t))) for channel in self.light]
        table = np.minimum(np.arange(256, dtype=np.int32)[:, None] * gains >> 8, 255).astype(np.uint8)
        canvas = cv2.LUT(canvas, table.reshape(1, 256, 3))  # type: ignore[assignment]
        if self.shadow.terms[0][0] > 0.1:
            canvas = self._shade(canvas, t, view)
        return _add_noise(canvas, self.noise, t) if self.noise else canvas

    def _shade(self, canvas: Image, t: int, view: View) -> Image:
        """A soft shadow whose edge sweeps over the frame."""
        edge = self.width * (0.5 + self.shadow(t))
        x = view.to_frame[0] * np.arange(view.width) + view.to_frame[2]
        dark = np.clip(np.rint((x - edge) * 4), 0, 110).astype(np.uint16)
        return (canvas * (np.uint16(256) - dark[None, :, None]) >> 8).astype(np.uint8)


_NOISE = np.random.Generator(np.random.PCG64(20)).integers(-64, 65, (1024, 1024, 3), dtype=np.int16)


def _add_noise(canvas: Image, strength: int, t: int) -> Image:
    height, width = canvas.shape[:2]
    y, x = (t * 89) % max(1, 1024 - height), (t * 151) % max(1, 1024 - width)
    noise = _NOISE if max(height, width) <= 1024 else np.tile(_NOISE, (-(-height // 1024), -(-width // 1024), 1))
    grain = noise[y : y + height, x : x + width] * np.int16(strength) >> 6
    return np.clip(canvas + grain, 0, 255).astype(np.uint8)


def _blacken_outside(canvas: Image, view: View, width: int, height: int) -> None:
    step, _, x, _, _, y = view.to_frame
    left, right = math.ceil((-0.5 - x) / step), math.floor((width - 0.5 - x) / step) + 1
    top, bottom = math.ceil((-0.5 - y) / step), math.floor((height - 0.5 - y) / step) + 1
    if left > 0:
        canvas[:, :left] = 0
    if right < view.width:
        canvas[:, max(0, right) :] = 0
    if top > 0:
        canvas[:top] = 0
    if bottom < view.height:
        canvas[max(0, bottom) :] = 0
