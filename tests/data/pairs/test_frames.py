"""Reduced frames: the same place in a crop as of whole ones, and a cache that changes nothing."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from compress.core import FileError
from compress.data import read_folder
from compress.data.pairs.crops import Cut, box_in_crop, cut_out
from compress.data.pairs.frames import FrameCache, reduction_of
from compress.geometry import Pictures, crop_window
from tests.geometry.test_image_headers import jpeg_with_exif

SIZE = 96
BOX = np.array([301.0, 163.0, 100.0, 60.0])


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """JPEG files, of sides that no scale divides: a scene of soft noise; and a white box on black, twice."""
    place = tmp_path_factory.mktemp("frames")
    noise = np.random.default_rng(0).integers(0, 256, (477, 701, 3), dtype=np.uint8)
    soft = cv2.normalize(cv2.GaussianBlur(noise, (0, 0), 16), np.empty(0), 0, 255, cv2.NORM_MINMAX)
    x, y, w, h = BOX.astype(int)
    dark = np.full_like(noise, 8)
    dark[y : y + h, x : x + w] = 240
    for name, image in (("1", soft), ("2", dark), ("3", dark)):
        cv2.imwrite(str(place / f"{name}.jpg"), image, [cv2.IMWRITE_JPEG_QUALITY, 95])
    (place / "groundtruth.txt").write_text("301,163,100,60\n" * 3)
    return place


@pytest.mark.parametrize(
    ("side", "size", "reduction"), [(127, 64, 1), (128, 64, 2), (255, 64, 2), (256, 64, 4), (9999, 64, 8), (5, 64, 1)]
)
def test_frames_are_reduced_as_far_as_crops_allow(side: int, size: int, reduction: int) -> None:
    assert reduction_of(side, size) == reduction


@pytest.mark.parametrize("reduction", [2, 4, 8])
def test_reduced_crops_show_what_whole_ones_show(folder: Path, reduction: int) -> None:
    """Within 2 grey levels in the mean where the scene is soft, and less than a twentieth of a pixel apart."""
    (sequence,) = read_folder(folder)
    cut = Cut(BOX, (reduction * SIZE - 0.5) / np.sqrt(6000), SIZE)
    whole, reduced = (FrameCache().frame(sequence, 0, each) for each in (1, reduction))
    assert (reduced.reduction, reduced.width, reduced.height) == (reduction, 701, 477)
    assert reduced.image.shape == (-(-477 // reduction), -(-701 // reduction), 3)
    inner = slice(30, 70), slice(10, 85)  # of the frame, whatever the scale
    first, second = (cut_out(frame, cut)[inner].mean(2) for frame in (whole, reduced))
    assert np.abs(first - second).mean() < 2
    down, across = np.gradient(first)
    shift = np.linalg.lstsq(np.stack([across.ravel(), down.ravel()], 1), (first - second).ravel(), rcond=None)[0]
    assert np.abs(shift).max() < 0.05


@pytest.mark.parametrize("reduction", [2, 4, 8])
def test_targets_lie_where_labels_say_at_any_scale(folder: Path, reduction: int) -> None:
    """To 0.06 of a crop's pixel, once it is counted that the crop's corner lies on a whole pixel of the frame."""
    (sequence,) = read_folder(folder)
    cut = Cut(BOX + (7, -4, 0, 0), (reduction * SIZE - 0.5) / np.sqrt(6000), SIZE)
    left, top, side = crop_window(cut.around, cut.factor)
    box = box_in_crop(BOX, cut, "continuous") * SIZE
    wanted = box[:2] + (cut.around[:2] + cut.around[2:] / 2 - (left, top) - side / 2) * SIZE / side
    rows, columns = np.mgrid[:SIZE, :SIZE] + 0.5
    near = (np.abs(columns - wanted[0]) < box[2] / 2 + 3) & (np.abs(rows - wanted[1]) < box[3] / 2 + 3)
    light = near * (cut_out(FrameCache().frame(sequence, 1, reduction), cut).mean(2) - 8)
    found = np.array([(light * columns).sum(), (light * rows).sum()]) / light.sum()
    np.testing.assert_allclose(found, wanted, atol=0.06)


def test_other_files_are_read_whole(tmp_path: Path) -> None:
    """Those of other kinds, and those to be turned; and damaged ones are named."""
    image = np.random.default_rng(0).integers(0, 256, (40, 60, 3), dtype=np.uint8)
    cv2.imwrite(str(tmp_path / "1.png"), image)
    (tmp_path / "2.jpg").write_bytes(jpeg_with_exif(np.rot90(image).copy(), 6))
    (tmp_path / "3.jpg").write_bytes(b"\xff\xd8\xff no image")
    pictures = Pictures([tmp_path / name for name in ("1.png", "2.jpg", "3.jpg")], "frames")
    whole = pictures.reduced_frame(0, 4)
    assert (whole.reduction, whole.width, whole.height) == (1, 60, 40)
    assert np.array_equal(whole.image, image[..., ::-1])
    with pytest.warns(UserWarning, match="turned"):
        assert pictures.reduced_frame(1, 4).reduction == 1
    with pytest.raises(FileError, match="3.jpg"):
        pictures.reduced_frame(2, 4)


def test_a_frame_of_another_size_than_those_before_is_refused(folder: Path, tmp_path: Path) -> None:
    cv2.imwrite(str(tmp_path / "9.jpg"), np.zeros((60, 80, 3), np.uint8))
    pictures = Pictures([folder / "1.jpg", tmp_path / "9.jpg"], "frames")
    assert pictures.reduced_frame(1, 2).width == 80
    pictures.frame(0)
    with pytest.raises(FileError, match="Frame 2 .* is 80x60 but the first is 701x477"):
        pictures.reduced_frame(1, 2)


def test_frames_are_kept_up_to_a_number_of_bytes(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (sequence,) = read_folder(folder)
    asked: list[int] = []
    frame = Pictures.frame
    monkeypatch.setattr(Pictures, "frame", lambda self, index: asked.append(index) or frame(self, index))
    one = 477 * 701 * 3
    cache = FrameCache(2 * one)
    for index in (0, 1, 0, 2, 0, 1):
        cache.frame(sequence, index, 1)
        assert cache.bytes <= 2 * one
    assert asked == [0, 1, 2, 1], "1 was the one not asked for the longest"
    asked.clear()
    for _ in range(2):
        FrameCache(one - 1).frame(sequence, 0, 1)
    assert asked == [0, 0]
