"""Scenes of generated sequences are made once for all tests of this room."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cache

import pytest

from compress.data.generated import sequences
from compress.data.generated.difficulty import Levels
from compress.data.generated.raster import Image
from compress.data.generated.scene import Scene


@pytest.fixture(scope="session", autouse=True)
def _scenes_once() -> Iterator[None]:
    """Nothing changes a scene once it is there; that a seed always gives the same one is a test of its own."""
    make = sequences._usable_scene

    @cache
    def kept(seed: int, levels: tuple[tuple[str, float], ...], length: int, width: int, height: int) -> Scene:
        return make(seed, dict(levels), length, width, height, ())

    def usable(seed: int, levels: Levels, length: int, width: int, height: int, images: Sequence[Image]) -> Scene:
        if images:
            return make(seed, levels, length, width, height, images)
        return kept(seed, tuple(levels.items()), length, width, height)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sequences, "_usable_scene", usable)
        yield
