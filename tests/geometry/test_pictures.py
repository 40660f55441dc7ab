"""A folder of images as frames: one size, one depth, one way up."""

from __future__ import annotations

import os
from pathlib import Path

import cv2
import numpy as np
import pytest

from compress.core import CompressWarning, FileError
from compress.geometry import Pictures, picture_folder, read_image
from tests.geometry.test_image_headers import jpeg_with_exif, png_of_size

RAMP = np.tile(np.linspace(0, 255, 64, dtype=np.uint8)[:, None], (1, 48))
COLOUR = np.dstack([RAMP, 255 - RAMP, np.full_like(RAMP, 120)])


def write(folder: Path, *images: np.ndarray, suffix: str = ".png") -> Path:
    folder.mkdir(exist_ok=True)
    for i, image in enumerate(images):
        assert cv2.imwrite(str(folder / f"{i}{suffix}"), image)
    return folder


@pytest.mark.parametrize("suffix", [".png", ".bmp", ".tif", ".tiff", ".webp", ".PNG"])
def test_kinds_of_files(tmp_path: Path, suffix: str) -> None:
    settings = [cv2.IMWRITE_WEBP_QUALITY, 101] if suffix == ".webp" else []
    cv2.imwrite(str(tmp_path / f"1{suffix}"), COLOUR[..., ::-1], settings)
    np.testing.assert_array_equal(Pictures.of_folder(tmp_path).frame(0), COLOUR)


@pytest.mark.parametrize("suffix", [".png", ".tif"])
def test_sixteen_bits_are_read_as_eight(tmp_path: Path, suffix: str) -> None:
    write(tmp_path, COLOUR[..., ::-1].astype(np.uint16) * 257, suffix=suffix)
    np.testing.assert_array_equal(Pictures.of_folder(tmp_path).frame(0), COLOUR)
    np.testing.assert_array_equal(read_image(tmp_path / f"0{suffix}"), COLOUR)


@pytest.mark.parametrize("bits", [10, 12, 14])
def test_values_that_fill_a_part_of_their_range_are_scaled_alike(tmp_path: Path, bits: int) -> None:
    """By the brightest frame, so that a darker one stays darker, whichever is asked for first; and with a warning."""
    deep = np.rint(RAMP * ((2**bits - 1) / 255)).astype(np.uint16)
    write(tmp_path, deep // 4, deep)
    for order in ((0, 1), (1, 0)):
        pictures = Pictures.of_folder(tmp_path)
        with pytest.warns(CompressWarning, match=f"16 bits but values from 0 to {2**bits - 1}, .* as of {bits} bits"):
            found = {index: pictures.frame(index)[..., 0] for index in order}
        np.testing.assert_array_equal(found[1], RAMP)
        np.testing.assert_allclose(found[0], RAMP / 4, atol=1)


def test_values_of_little_range_are_a_warning(tmp_path: Path) -> None:
    write(tmp_path / "raw", 40_000 + RAMP.astype(np.uint16))
    with pytest.warns(CompressWarning, match="from 40000 to 40255 only"):
        Pictures.of_folder(tmp_path / "raw").frame(0)
    write(tmp_path / "dark", RAMP // 16, RAMP // 16)
    pictures = Pictures.of_folder(tmp_path / "dark")
    with pytest.warns(CompressWarning, match="brightest values are 15 of 255"):
        assert pictures.frame(1).max() == 15
    pictures.frame(0)
    write(tmp_path / "fade", RAMP // 16, RAMP)
    Pictures.of_folder(tmp_path / "fade").frame(0)


def test_values_with_a_point_are_refused(tmp_path: Path) -> None:
    write(tmp_path, COLOUR.astype(np.float32) / 255, suffix=".tif")
    with pytest.raises(FileError, match="float32. Convert it to 8 or 16 bits"):
        Pictures.of_folder(tmp_path).frame(0)


@pytest.mark.parametrize("orientation", [3, 6, 8])
def test_images_are_turned_as_viewers_show_them(tmp_path: Path, orientation: int) -> None:
    smooth = cv2.GaussianBlur(COLOUR, (0, 0), 4)
    stored = np.ascontiguousarray(np.rot90(smooth, {3: 2, 6: 1, 8: 3}[orientation]))
    (tmp_path / "1.jpg").write_bytes(jpeg_with_exif(stored[..., ::-1], orientation))
    with pytest.warns(CompressWarning, match="turned as their EXIF orientation says; boxes must be those"):
        found = Pictures.of_folder(tmp_path).frame(0)
    assert np.abs(found.astype(int) - smooth).max() < 40


def test_a_frame_of_another_size_is_refused_whichever_is_first_asked_for(tmp_path: Path) -> None:
    write(tmp_path, COLOUR, COLOUR, COLOUR[:30])
    asked_before, pictures = Pictures.of_folder(tmp_path), Pictures.of_folder(tmp_path)
    asked_before.frame(0)
    for each in (asked_before, pictures):
        with pytest.raises(FileError, match=r"Frame 3 .*\(2.png\) is 48x30 but the first is 48x64"):
            each.frame(2)
    textures = Pictures(pictures.files, "textures", one_size=False)
    assert textures.frame(2).shape == (30, 48, 3)


def test_huge_images_are_refused_unread(tmp_path: Path) -> None:
    (tmp_path / "1.png").write_bytes(png_of_size(30_000, 30_000))
    with pytest.raises(FileError, match=r"states 30000x30000 pixels, more than 134,217,728"):
        Pictures.of_folder(tmp_path).frame(0)
    os.truncate(tmp_path / "1.png", 1 << 40)
    with pytest.raises(FileError, match="larger than any image"):
        Pictures.of_folder(tmp_path).frame(0)


def test_a_doubtful_order_is_a_warning(tmp_path: Path) -> None:
    write(tmp_path, COLOUR, COLOUR, COLOUR)
    (tmp_path / "0.png").rename(tmp_path / "cover.png")
    with pytest.warns(CompressWarning, match="cover.png is named unlike the others"):
        Pictures.of_folder(tmp_path)


def test_damage_that_decoders_pass_over_is_a_warning(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    data = cv2.imencode(".jpg", noise)[1].tobytes()
    (tmp_path / "1.jpg").write_bytes(data[: len(data) // 2] + b"\xff\xd9")
    with pytest.warns(CompressWarning, match="1.jpg is not whole .*Corrupt JPEG data"):
        Pictures.of_folder(tmp_path).frame(0)
    assert capfd.readouterr().err == ""


def test_folders_within(tmp_path: Path) -> None:
    assert picture_folder(tmp_path) == tmp_path
    with pytest.raises(FileError, match="no images"):
        Pictures.of_folder(tmp_path)
    for name in ("color", "img"):
        write(tmp_path / name, COLOUR)
        assert picture_folder(tmp_path) == tmp_path / name
    (tmp_path / "1.png").mkdir()
    assert picture_folder(tmp_path) == tmp_path / "img"
    write(tmp_path, COLOUR)
    assert picture_folder(tmp_path) == tmp_path
