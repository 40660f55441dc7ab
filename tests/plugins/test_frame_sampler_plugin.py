"""A sampler of frames from outside the package: this file and one registration, and recipes draw their pairs by it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from compress.data import PairSizes, open_source
from compress.data.pairs import FRAME_SAMPLERS, DrawnFrames, PairRecipe
from compress.data.worker import make_pairs


@FRAME_SAMPLERS.register("first-and-last")
def first_and_last(rng: np.random.Generator, shown: NDArray[np.bool_], recipe: PairRecipe) -> DrawnFrames | None:
    found = np.flatnonzero(shown).tolist()
    return DrawnFrames((found[0],) * recipe.templates, found[-1]) if found else None


@pytest.fixture(scope="module", autouse=True)
def registered() -> Iterator[None]:
    yield
    FRAME_SAMPLERS.remove("first-and-last")


def test_pairs_are_drawn_by_it_in_any_process(tmp_path: Path) -> None:
    """Frames get lighter, so that crops say which one they are of."""
    for i in range(6):
        cv2.imwrite(str(tmp_path / f"{i}.png"), np.full((60, 80, 3), 40 * i, np.uint8))
    (tmp_path / "groundtruth.txt").write_text("20,20,24,24\n" * 6)
    sizes = PairSizes(16, 16, 1.0, 1.0, PairRecipe("first-and-last"))
    for workers in (0, 1):
        (pairs,) = make_pairs(open_source(f"folder:{tmp_path}"), 0, [4], workers=workers, sizes=sizes)
        assert np.median(pairs.template) == 0
        assert pairs.search.max() == 200
        assert set(np.unique(pairs.search)) <= {0, *range(1, 201)}
    generated = open_source("generated").pairs(0, 0, 2, sizes)
    assert generated.search.shape == (2, 16, 16, 3)
