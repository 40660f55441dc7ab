"""Random scenes: everything about one that is random, drawn from one generator."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from compress.data.generated import raster
from compress.data.generated.difficulty import Levels
from compress.data.generated.motion import Path, Wave, random_camera, random_path, wave
from compress.data.generated.raster import Image
from compress.data.generated.scene import GROUND, Actor, Scene
from compress.data.generated.shapes import SIDE, make_sprite
from compress.data.generated.textures import Palette, Random, random_palette, texture


def make_scene(
    rng: Random, levels: Levels, *, width: int, height: int, length: int, images: Sequence[Image] = ()
) -> Scene:
    """A random scene of `length` frames; `images` serve as texture beside the generated ones."""
    around = random_palette(rng)
    own = _target_palette(rng, around, levels["low_contrast"])
    path = random_path(rng, levels, width, height)
    style = {"deformation": levels["deformation"], "transparency": levels["transparency"] * rng.random()}
    target = Actor(make_sprite(rng, own, images=images, **style), path)
    ground_scale = max(width, height) / GROUND * (0.6 + 0.8 * rng.random())
    glow = 0.06 + 0.45 * levels["illumination"] * rng.random()
    return Scene(
        width=width,
        height=height,
        ground=raster.pyramid(_ground(rng, around, images)),
        ground_scale=ground_scale,
        target=target,
        behind=_others(rng, levels, target, own, around, width, height, images),
        before=_occluders(rng, levels, path, around, length, images),
        camera=random_camera(rng, levels["camera"]),
        light=_light(rng, glow),
        shadow=wave(rng, 0.0, 0.6 * levels["illumination"] * (rng.random() < 0.5), 0.03 + 0.05 * rng.random()),
        blur=1.2 * levels["motion_blur"] * rng.random() + (levels["motion_blur"] > 0.6) * 0.5,
        coarse=1.0 + 2.5 * levels["low_resolution"] * rng.random(),
        noise=int(2 + 14 * levels["low_resolution"] * rng.random()) * (rng.random() < 0.7),
    )


def _ground(rng: Random, around: Palette, images: Sequence[Image]) -> Image:
    """A texture strewn with things that never move apart from it."""
    ground = texture(rng, GROUND, around, images)
    for _ in range(int(rng.integers(0, 5))):
        palette = around if rng.random() < 0.3 else random_palette(rng)
        sprite = make_sprite(rng, palette, deformation=0.6, transparency=0.0, images=images)
        for k in range(int(rng.integers(1, 5))):
            w, h = (int(side) for side in rng.integers(20, 140, 2))
            step = (SIDE - 1) / w, (SIDE - 1) / h
            patch = raster.sample(sprite.phase(k), (step[0], 0.0, 0.0, 0.0, step[1], 0.0), w, h)
            raster.over(ground, patch, int(rng.integers(0, GROUND - w)), int(rng.integers(0, GROUND - h)))
    return ground


def _target_palette(rng: Random, around: Palette, low_contrast: float) -> Palette:
    if rng.random() < low_contrast:
        return np.clip(around + rng.integers(-24, 25, around.shape), 0, 255).astype(np.uint8)
    return random_palette(rng)


def _light(rng: Random, glow: float) -> tuple[Wave, Wave, Wave]:
    common = wave(rng, 0.0, glow, 0.02 + 0.1 * rng.random())
    casts = (0.15 * glow * (rng.random(3) - 0.5)).tolist()
    first, second, third = (Wave(common.centre + cast, common.terms) for cast in casts)
    return first, second, third


def _others(
    rng: Random,
    levels: Levels,
    target: Actor,
    own: Palette,
    around: Palette,
    width: int,
    height: int,
    images: Sequence[Image],
) -> list[Actor]:
    """Things behind the target; the more distractors, the more of them look like it."""
    actors = []
    for _ in range(int(rng.integers(1, 4)) + round(3 * levels["distractors"])):
        path = random_path(rng, levels, width, height)
        path = replace(
            path, x=replace(path.x, centre=width * rng.random()), y=replace(path.y, centre=height * rng.random())
        )
        likeness = rng.random()
        if likeness < 0.35 * levels["distractors"]:
            sprite, size = target.sprite, target.path.log_size
            path = replace(path, log_size=size, log_aspect=target.path.log_aspect)
        else:
            palette = own if likeness < 0.8 * levels["distractors"] else random_palette(rng)
            sprite = make_sprite(rng, palette, deformation=levels["deformation"], transparency=0.0, images=images)
        actors.append(Actor(sprite, path))
    return actors


def _occluders(
    rng: Random, levels: Levels, path: Path, around: Palette, length: int, images: Sequence[Image]
) -> list[Actor]:
    """Things before the target, each put on its path at some time."""
    count = int(levels["occlusion"] * 3 * rng.random() + 0.6 * rng.random())
    actors = []
    for _ in range(count):
        when = float(rng.integers(0, max(1, length)))
        sprite = make_sprite(rng, random_palette(rng), deformation=0.2, transparency=0.0, images=images)
        log_size = path.log_size(when) + math.log(0.4 + 0.7 * rng.random())
        still = replace(
            path,
            x=wave(rng, path.x(when), math.exp(log_size) * rng.random(), 0.05 * rng.random()),
            y=wave(rng, path.y(when), math.exp(log_size) * 0.5 * rng.random(), 0.05 * rng.random()),
            log_size=wave(rng, log_size, 0.1, 0.05),
            log_aspect=wave(rng, 2.4 * (rng.random() - 0.5), 0.05, 0.05),
        )
        actors.append(Actor(sprite, still))
    return actors
