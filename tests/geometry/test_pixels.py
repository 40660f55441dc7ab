"""Crops in numpy, for devices without OpenCV, beside those of OpenCV."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from compress.geometry import crop_target, normalise, pixels

FRAME = cv2.GaussianBlur(np.random.default_rng(1).integers(0, 256, (120, 160, 3), dtype=np.uint8), (0, 0), 3)


@pytest.mark.parametrize("box", [[60, 40, 30, 20], [-10, 5, 40, 60], [130, 90, 60, 60], [300, 300, 20, 20]])
@pytest.mark.parametrize("size", [64, 128])
def test_crops_are_the_same_to_a_level(box: list[int], size: int, monkeypatch: pytest.MonkeyPatch) -> None:
    wanted = crop_target(FRAME, box, factor=2.0, size=size)
    monkeypatch.setattr(pixels, "cv2", None)
    found = crop_target(FRAME, box, factor=2.0, size=size)
    assert found.resize_factor == wanted.resize_factor
    assert np.abs(found.image.astype(int) - wanted.image).max() <= 1


def test_channels_are_normalised_alike(monkeypatch: pytest.MonkeyPatch) -> None:
    wanted = normalise(FRAME)
    monkeypatch.setattr(pixels, "cv2", None)
    np.testing.assert_array_equal(normalise(FRAME), wanted)


def test_the_library_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    assert pixels.library() == f"opencv {cv2.__version__}"
    monkeypatch.setattr(pixels, "cv2", None)
    assert pixels.library() == "numpy"
