from pathlib import Path

import cv2
import numpy as np
import pytest

from compress.core import FileError
from compress.geometry import NumberedNames, image_files, read_image


def test_images_are_rgb(tmp_path: Path) -> None:
    red = np.zeros((4, 6, 3), dtype=np.uint8)
    red[..., 0] = 200
    cv2.imwrite(str(tmp_path / "red.png"), red[..., ::-1])
    np.testing.assert_array_equal(read_image(tmp_path / "red.png"), red)


def test_files_are_listed_in_the_order_of_their_numbers(tmp_path: Path) -> None:
    for name in ("10.jpg", "2.jpg", "1.PNG", "notes.txt", ".hidden.jpg"):
        (tmp_path / name).touch()
    assert [p.name for p in image_files(tmp_path)] == ["1.PNG", "2.jpg", "10.jpg"]


@pytest.mark.parametrize("names", ["7.jpg", "0098.png 0099.png 0100.png 0101.png", "8.a.b 9.a.b 10.a.b", "000 001"])
def test_names_that_count_on_are_their_numbers(names: str) -> None:
    made = NumberedNames.of(names.split())
    assert made is not None
    assert list(made) == list(made[0:]) == names.split()
    assert made[-1] == names.split()[-1]
    assert list(made[1:3]) == names.split()[1:3]
    assert list(made[::2]) == names.split()[::2]


@pytest.mark.parametrize(
    "names", ["", "a1.jpg a2.jpg", "1.jpg 3.jpg", "2.jpg 1.jpg", "1.jpg 2.png", "1.jpg 02.jpg", "٣.jpg"]
)
def test_names_that_do_not_count_on_are_none(names: str) -> None:
    assert NumberedNames.of(names.split()) is None


def test_missing_files_and_folders(tmp_path: Path) -> None:
    with pytest.raises(FileError, match="none.jpg"):
        read_image(tmp_path / "none.jpg")
    with pytest.raises(FileError, match="nowhere"):
        image_files(tmp_path / "nowhere")


@pytest.mark.parametrize("kept", [0, 0.1, 0.6])
def test_a_cut_jpeg_is_damaged(tmp_path: Path, kept: float) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    whole = cv2.imencode(".jpg", noise)[1].tobytes()
    path = tmp_path / "cut.jpg"
    path.write_bytes(whole[: int(kept * len(whole))])
    with pytest.raises(FileError, match="damaged"):
        read_image(path)
    path.write_bytes(whole)
    assert read_image(path).shape == (64, 64, 3)


def test_text_is_no_image(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_text("not an image")
    with pytest.raises(FileError, match="damaged"):
        read_image(tmp_path / "a.jpg")
