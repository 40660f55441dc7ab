"""Movement in time: smooth paths of position, size, aspect, angle, light and camera."""

from __future__ import annotations

import math
from dataclasses import dataclass

from compress.data.generated.difficulty import Levels
from compress.data.generated.raster import Matrix
from compress.data.generated.textures import Random


@dataclass(frozen=True)
class Wave:
    """centre + Σ amplitude·sin(speed·t + phase); speed in radians per frame."""

    centre: float
    terms: tuple[tuple[float, float, float], ...]

    def __call__(self, t: float) -> float:
        return self.centre + sum(a * math.sin(w * t + p) for a, w, p in self.terms)


def wave(rng: Random, centre: float, amplitude: float, speed: float) -> Wave:
    """Two superposed oscillations that reach at most `amplitude`; `speed` is the faster one's, radians per frame."""
    share = 0.5 + 0.4 * rng.random()
    first = (amplitude * share, speed * (0.3 + 0.4 * rng.random()), 6.2832 * rng.random())
    second = (amplitude * (1 - share), speed, 6.2832 * rng.random())
    return Wave(centre, (first, second))


@dataclass(frozen=True)
class Path:
    """An object's pose over time. Sizes are pixels; `angle` radians; `rate` phases per frame."""

    x: Wave
    y: Wave
    log_size: Wave
    log_aspect: Wave
    angle: Wave
    shear: Wave
    rate: float

    def matrix(self, t: float, side: int) -> Matrix:
        """Affine map from an object's raster of `side` pixels to the frame."""
        size, aspect = math.exp(self.log_size(t)), math.exp(0.5 * self.log_aspect(t))
        w, h, angle = size * aspect / side, size / aspect / side, self.angle(t)
        cos, sin, shear = math.cos(angle), math.sin(angle), self.shear(t)
        a, b, d, e = cos * w, (shear * cos - sin) * h, sin * w, (shear * sin + cos) * h
        middle = (side - 1) / 2
        return a, b, self.x(t) - (a + b) * middle, d, e, self.y(t) - (d + e) * middle

    def phase(self, t: float) -> int:
        return int(t * self.rate)

    def velocity(self, t: float) -> tuple[float, float]:
        """Pixels per frame."""
        return (self.x(t + 0.5) - self.x(t - 0.5), self.y(t + 0.5) - self.y(t - 0.5))


def random_path(rng: Random, levels: Levels, width: int, height: int) -> Path:
    """A path that keeps an object's centre inside the frame."""
    size = min(width, height) * (0.06 + 0.22 * rng.random() ** 1.3)
    step = size * (0.02 + 0.09 * rng.random() + 0.35 * levels["fast_motion"] * rng.random())
    reach_x, reach_y = width * (0.1 + 0.28 * rng.random()), height * (0.06 + 0.26 * rng.random())
    slow = 0.02 + 0.08 * rng.random()
    aspect = 0.9 * (rng.random() - 0.5) if rng.random() < 0.6 else -1.0 * rng.random()
    turn = math.pi * levels["rotation"] * rng.random()
    return Path(
        x=wave(rng, width * (0.42 + 0.16 * rng.random()), reach_x, min(0.6, step / reach_x)),
        y=wave(rng, height * (0.42 + 0.16 * rng.random()), reach_y, min(0.6, 0.7 * step / reach_y)),
        log_size=wave(rng, math.log(size), 0.08 + 0.7 * levels["scale"] * rng.random(), slow),
        log_aspect=wave(rng, aspect, 0.1 + 0.8 * levels["aspect"] * rng.random(), slow),
        angle=wave(rng, 0.3 * (rng.random() - 0.5) + turn * (rng.random() - 0.5), 0.05 + turn, slow),
        shear=wave(rng, 0.0, 0.05 + 0.4 * levels["deformation"] * rng.random(), slow),
        rate=0.02 + 0.25 * rng.random() * (0.3 + levels["deformation"]),
    )


@dataclass(frozen=True)
class Camera:
    """Maps the world (the background and all but the target) to the frame."""

    x: Wave
    y: Wave
    log_zoom: Wave
    roll: Wave
    shake: tuple[tuple[float, float], ...]

    def matrix(self, t: float) -> Matrix:
        zoom, roll = math.exp(self.log_zoom(t)), self.roll(t)
        cos, sin = zoom * math.cos(roll), zoom * math.sin(roll)
        dx, dy = self.shake[int(t) % len(self.shake)]
        return cos, -sin, self.x(t) + dx, sin, cos, self.y(t) + dy

    def velocity(self, t: float) -> tuple[float, float]:
        return (self.x(t + 0.5) - self.x(t - 0.5), self.y(t + 0.5) - self.y(t - 0.5))


def random_camera(rng: Random, level: float) -> Camera:
    reach, slow, shake = 60 * level * rng.random(), 0.02 + 0.08 * rng.random(), 2.5 * level * rng.random()
    return Camera(
        x=wave(rng, 0.0, 1.5 * reach, slow),
        y=wave(rng, 0.0, reach, slow),
        log_zoom=wave(rng, 0.05, 0.2 * level * rng.random(), slow),
        roll=wave(rng, 0.0, 0.15 * level * rng.random(), slow),
        shake=tuple((float(dx), float(dy)) for dx, dy in (rng.random((64, 2)) - 0.5) * 2 * shake),
    )
