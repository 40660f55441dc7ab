from typing import Any
from zlib import crc32

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from compress.core import UsageError
from compress.geometry import crop_target, normalise, preprocess, template_box

Arrays = dict[str, NDArray[Any]]
CASES = [(i, j) for i in range(21) for j in range(4)]


def _crop(oracle: Arrays, frame: NDArray[np.uint8], i: int, j: int) -> tuple[NDArray[np.uint8], float]:
    factor, size = float(oracle["combo_factor"][j]), int(oracle["combo_size"][j])
    return crop_target(frame, oracle["boxes_xywh"][i], factor=factor, size=size)


@pytest.mark.parametrize(("i", "j"), CASES)
def test_crops_match_the_published_code(oracle: Arrays, frame: NDArray[np.uint8], i: int, j: int) -> None:
    image, resize_factor = _crop(oracle, frame, i, j)
    block = image.shape[0] // 16
    means = image.reshape(16, block, 16, block, 3).mean(axis=(1, 3))
    np.testing.assert_allclose(means, oracle["crop_blockmean_16x16"][i, j], atol=0.3)
    assert resize_factor == oracle["resize_factor"][i, j]


@pytest.mark.skipif(not cv2.__version__.startswith("5."), reason="another OpenCV may differ by one grey level")
@pytest.mark.parametrize(("i", "j"), CASES)
def test_crops_match_the_published_code_bit_for_bit(oracle: Arrays, frame: NDArray[np.uint8], i: int, j: int) -> None:
    image, _ = _crop(oracle, frame, i, j)
    assert crc32(image.tobytes()) == oracle["crop_crc32"][i, j]


@pytest.mark.parametrize(("i", "j"), CASES)
def test_normalised_crops(oracle: Arrays, frame: NDArray[np.uint8], i: int, j: int) -> None:
    image, _ = _crop(oracle, frame, i, j)
    tensor = normalise(image)
    assert tensor.shape == (1, 3, *image.shape[:2])
    np.testing.assert_allclose(tensor.ravel()[:8], oracle["norm_first8"][i, j], atol=1e-6)
    np.testing.assert_allclose(tensor.mean(axis=(0, 2, 3)), oracle["norm_mean_per_channel"][i, j], atol=1e-5)
    np.testing.assert_allclose(tensor.std(axis=(0, 2, 3)), oracle["norm_std_per_channel"][i, j], atol=1e-5)


@pytest.mark.parametrize("i", range(25))
def test_mixformer_and_hit_crop_alike(published_crops: Arrays, i: int) -> None:
    *box, factor, size = published_crops["case_xywh_factor_size"][i]
    image, resize_factor = crop_target(published_crops["image"], box, factor=factor, size=int(size))
    assert resize_factor == published_crops["resize_factor"][i]
    step = int(size) // 8
    pixels = image[: 8 * step : step, : 8 * step : step].astype(int)
    # Another OpenCV may differ by one grey level.
    assert np.abs(pixels - published_crops["pixels_8x8"][i]).max() <= 1
    np.testing.assert_allclose(image.mean(axis=(0, 1)), published_crops["channel_mean"][i], atol=0.3)


def test_black_padding_is_normalised_black(oracle: Arrays) -> None:
    black = normalise(np.zeros((2, 2, 3), dtype=np.uint8))
    np.testing.assert_allclose(black[0, :, 0, 0], oracle["norm_of_black"], rtol=1e-6)


@pytest.mark.parametrize("box", [(-500, 10, 20, 20), (700, 10, 20, 20), (10, -90, 20, 20), (10, 900, 20, 20)])
def test_a_crop_wholly_outside_is_black(frame: NDArray[np.uint8], box: tuple[int, ...]) -> None:
    image, resize_factor = crop_target(frame, box, factor=2.0, size=64)
    assert image.shape == (64, 64, 3)
    assert not image.any()
    assert resize_factor == 64 / 40


@pytest.mark.parametrize("box", [(1, 1, 0, 5), (1, 1, -5, -5), (1, 1, float("nan"), 5), (float("inf"), 1, 5, 5)])
def test_a_box_without_area_has_no_crop(frame: NDArray[np.uint8], box: tuple[float, ...]) -> None:
    with pytest.raises(UsageError, match="above 0"):
        crop_target(frame, box, factor=2.0, size=64)


def test_the_frame_is_left_as_it_was(frame: NDArray[np.uint8]) -> None:
    before = frame.copy()
    tensor, resize_factor = preprocess(frame, (600, 440, 60, 60), 4.0, 128)
    assert tensor.dtype == np.float32
    assert resize_factor == 128 / 240
    np.testing.assert_array_equal(frame, before)


def test_template_box(oracle: Arrays) -> None:
    """The oracle holds x, y, w, h; the network is given x1, y1, x2, y2."""
    boxes, factors = oracle["boxes_xywh"], oracle["resize_factor"][:, 0]
    for box, factor, expected in zip(boxes, factors, oracle["template_box_norm_xywh_128"], strict=True):
        corners = np.concatenate([expected[:2], expected[:2] + expected[2:]])
        np.testing.assert_allclose(template_box(box, factor, 128), corners[None], atol=1e-6)
