from pathlib import Path

import cv2
import numpy as np
import pytest

from compress.core import FileError, UsageError
from compress.data import first_box, load_sequences, read_folder


def make_sequence(folder: Path, boxes: str, images: int = 3, suffix: str = ".jpg") -> Path:
    """Images of one grey level each, 40 above the one before."""
    folder.mkdir(parents=True)
    for i in range(images):
        cv2.imwrite(str(folder / f"{i + 1:08d}{suffix}"), np.full((20, 30, 3), 40 * (i + 1), dtype=np.uint8))
    (folder / "groundtruth.txt").write_text(boxes)
    return folder


THREE = "1,2,3,4\n2,3,4,5\n3,4,5,6\n"


@pytest.mark.parametrize(
    "text",
    [THREE, "1\t2\t3\t4\r\n2\t3\t4\t5\r\n3\t4\t5\t6", "1 2 3 4\n2  3 4 5 \n 3, 4, 5, 6\n\n", "\ufeff" + THREE],
    ids=["commas", "tabs", "spaces", "byte-order mark"],
)
def test_one_sequence(tmp_path: Path, text: str) -> None:
    (sequence,) = read_folder(make_sequence(tmp_path / "cat", text))
    assert (sequence.name, len(sequence)) == ("cat", 3)
    np.testing.assert_array_equal(sequence.boxes, [[1, 2, 3, 4], [2, 3, 4, 5], [3, 4, 5, 6]])
    assert sequence.visible.all()
    assert sequence.frame(1).shape == (20, 30, 3)
    assert abs(int(sequence.frame(1)[5, 5, 0]) - 80) <= 2


def test_a_folder_of_sequences(tmp_path: Path) -> None:
    make_sequence(tmp_path / "b", THREE)
    make_sequence(tmp_path / "a", "1,2,3,4\n", images=1, suffix=".png")
    (tmp_path / "notes").mkdir()
    (tmp_path / "list.txt").write_text("a\nb\n")
    assert [s.name for s in read_folder(tmp_path)] == ["a", "b"]
    assert [s.name for s in load_sequences(f"folder:{tmp_path}")] == ["a", "b"]


def test_labels_and_boxes_without_area_hide_frames(tmp_path: Path) -> None:
    boxes = "1,2,3,4\n2,3,4,5\n3,4,5,6\n0,0,0,0\nnan,nan,nan,nan\n5,5,5,5\n"
    folder = make_sequence(tmp_path / "cat", boxes, images=6)
    (folder / "cover.label").write_text("8\n0\n3\n8\n8\n8\n")
    (folder / "absence.label").write_text("0\n0\n1\n0\n0\n0\n")
    (sequence,) = read_folder(folder)
    np.testing.assert_array_equal(sequence.visible, [True, False, False, False, False, True])
    np.testing.assert_array_equal(sequence.boxes[4], [0, 0, 0, 0])


@pytest.mark.parametrize("absent", ["-1,-1,-1,-1", "-1.0 -1.0 -1.0 -1.0", "NaN,NaN,NaN,NaN", "0,0,0,0", "-1,-1,-1,-1,"])
def test_absent_objects_as_data_sets_write_them(tmp_path: Path, absent: str) -> None:
    (sequence,) = read_folder(make_sequence(tmp_path / "cat", f"1,2,3,4\n{absent}\n3,4,5,6\n"))
    np.testing.assert_array_equal(sequence.boxes, [[1, 2, 3, 4], [0, 0, 0, 0], [3, 4, 5, 6]])
    np.testing.assert_array_equal(sequence.visible, [True, False, True])


@pytest.mark.parametrize(
    ("inner", "truth"),
    [
        ("img", "groundtruth.txt"),
        ("img", "groundtruth_rect.txt"),
        ("color", "groundtruth.txt"),
        ("", "groundtruth.txt"),
    ],
)
def test_layouts(tmp_path: Path, inner: str, truth: str) -> None:
    """LaSOT, OTB, VOT and GOT-10k."""
    for name in ("cat", "dog"):
        folder = make_sequence(tmp_path / name / inner, THREE)
        (folder / "groundtruth.txt").rename(tmp_path / name / truth)
    assert [s.name for s in read_folder(tmp_path)] == ["cat", "dog"]
    (sequence,) = read_folder(tmp_path / "cat")
    assert (sequence.name, len(sequence), sequence.frame(2).shape) == ("cat", 3, (20, 30, 3))


def test_lasots_labels_hide_frames(tmp_path: Path) -> None:
    folder = make_sequence(tmp_path / "cat", THREE)
    (folder / "full_occlusion.txt").write_text("0,1,0\n")
    (folder / "out_of_view.txt").write_text("0,0,1")
    np.testing.assert_array_equal(read_folder(folder)[0].visible, [True, False, False])


def test_utf_16_with_its_mark_is_text(tmp_path: Path) -> None:
    folder = make_sequence(tmp_path / "cat", "")
    for encoding in ("utf-16", "utf-8-sig"):
        (folder / "groundtruth.txt").write_text(THREE, encoding=encoding)
        np.testing.assert_array_equal(read_folder(folder)[0].boxes[2], [3, 4, 5, 6])
        assert first_box(folder) == [1, 2, 3, 4]


@pytest.mark.parametrize("separator", [",", ";", "\t", "  ", " , ", ", \t"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r", " \n", "{}\n"])
def test_separators_and_ends_of_lines(tmp_path: Path, separator: str, end: str) -> None:
    folder = make_sequence(tmp_path / "cat", "")
    text = THREE.replace("2,", "2.000e+00,").replace(",", separator)
    (folder / "groundtruth.txt").write_bytes(text.replace("\n", end.format(separator)).encode())
    np.testing.assert_array_equal(read_folder(folder)[0].boxes[:, 1], [2, 3, 4])


@pytest.mark.parametrize(
    "line",
    [
        "1_0,2,3,4",
        "1,2,3,1e999",
        "1e8,2,3,4",
        "１,2,3,4",
        "1,nan,3,4",
        "-1,-1,-1,-2",
        "1,5;2,5;3;4",
        "0x1,2,3,4",
        "1,,3,4",
    ],
)
def test_numbers_that_are_none(tmp_path: Path, line: str) -> None:
    folder = make_sequence(tmp_path / "cat", "")
    (folder / "groundtruth.txt").write_text(f"1,2,3,4\n{line}\n3,4,5,6\n", encoding="utf-8")
    with pytest.raises(FileError, match="line 2 is"):
        read_folder(folder)


def test_a_folder_without_a_readable_first_image_is_refused(tmp_path: Path) -> None:
    folder = make_sequence(tmp_path / "cat", THREE)
    for path in folder.glob("*.jpg"):
        path.write_bytes(b"")
    with pytest.raises(FileError, match="it is empty"):
        read_folder(tmp_path)


def test_first_boxes(tmp_path: Path) -> None:
    folder = make_sequence(tmp_path / "cat", "10,20,40,20,40,60,10,60\n0\n")
    assert first_box(folder) == [10, 20, 30, 40]
    (folder / "groundtruth.txt").write_text("nan,nan,nan,nan\n1,2,3,4\n")
    with pytest.raises(FileError, match="first line of .* or give the box by --init"):
        first_box(folder)
    (folder / "groundtruth.txt").unlink()
    assert first_box(folder) is None


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("1,2,3,4\n2,3,4\n3,4,5,6\n", "line 2 is '2,3,4'"),
        ("1,2,3,4\n2,3,x,5\n3,4,-5,6\n", "line 2 is .*; line 3 is"),
        ("1,2,3,4\n\n3,4,5,6\n", "line 2 is ''"),
        ("1,2,3,4\n2,3,inf,5\n3,4,5,6\n", "line 2"),
        ("1,2,3,4\n2,3,4,5\n", "2 boxes .* 3 images"),
        ("", "0 boxes .* 3 images"),
        ("1,2,3,4\n", "one box for 3 images, as in a test set: enough for `compress track`"),
        ("1,2,0,4\n2,3,4,5\n3,4,5,6\n", "line 1: the first box has no area"),
    ],
)
def test_damaged_boxes(tmp_path: Path, text: str, said: str) -> None:
    folder = make_sequence(tmp_path / "cat", text)
    with pytest.raises(FileError, match=said) as caught:
        read_folder(folder)
    assert str(folder) in str(caught.value)


def test_missing_and_mismatched_files(tmp_path: Path) -> None:
    with pytest.raises(FileError, match="nowhere"):
        read_folder(tmp_path / "nowhere")
    with pytest.raises(FileError, match="holds no sequence"):
        read_folder(tmp_path)
    folder = make_sequence(tmp_path / "cat", THREE)
    (folder / "cover.label").write_text("8\n8\n")
    with pytest.raises(FileError, match="2 numbers .* 3 images"):
        read_folder(folder)
    (folder / "groundtruth.txt").unlink()
    for path in (folder, tmp_path):
        with pytest.raises(FileError, match=r"3 images but no groundtruth\.txt"):
            read_folder(path)


@pytest.mark.parametrize("data", [b"\xff\x00\x80", b"1,2\0,3,4\n" * 3, b"\xff\xfe\x00\xd8"])
def test_binary_boxes_are_refused(tmp_path: Path, data: bytes) -> None:
    folder = make_sequence(tmp_path / "cat", THREE)
    (folder / "groundtruth.txt").write_bytes(data)
    with pytest.raises(FileError, match="Cannot read .* as text"):
        read_folder(folder)


def test_images_are_read_when_asked_for(tmp_path: Path) -> None:
    folder = make_sequence(tmp_path / "cat", THREE)
    (folder / "00000002.jpg").write_bytes(b"damaged")
    (sequence,) = read_folder(folder)
    assert sequence.frame(0).any()
    with pytest.raises(FileError, match=r"00000002\.jpg is damaged"):
        sequence.frame(1)


@pytest.mark.parametrize("source", ["nonsense", "folder:", "folder", "http://x"])
def test_unknown_sources(source: str) -> None:
    with pytest.raises(UsageError, match="folder:PATH"):
        load_sequences(source)
