"""What the layouts of `compress.testing` leave out: other splits, other packings, and damage."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from compress.core import FileError
from compress.data import attributes_of, first_only, open_source
from compress.testing.recorded_layouts import LAYOUTS, moving, write_boxes, write_frames


def _nfs(root: Path, fps: int, images: int, lines: list[str]) -> str:
    write_frames(root / "bee" / str(fps) / "bee", range(1, images + 1), 5)
    (root / "bee" / str(fps) / "bee.txt").write_text("\n".join(lines))
    return f"nfs:{root}:{fps}"


def _line(x: int, lost: int = 0) -> str:
    return f'0 {x} 10 {x + 20} 26 1 {lost} 1 0 "an insect"'


def test_nfs_at_240_frames_per_second_has_a_line_for_each(tmp_path: Path) -> None:
    (sequence,) = open_source(_nfs(tmp_path, 240, 5, [_line(x, lost=int(x == 3)) for x in range(5)])).sequences()
    np.testing.assert_array_equal(sequence.boxes[:, 0], [0, 1, 2, 0, 4])
    np.testing.assert_array_equal(sequence.boxes[1], [1, 10, 20, 16])
    np.testing.assert_array_equal(sequence.visible, [True, True, True, False, True])


@pytest.mark.parametrize(
    ("lines", "known"), [(73, 10), (80, 10), (72, 9), (81, 10), (88, 10), (10, 10), (9, 9), (11, 10)]
)
def test_nfs_lengths_that_the_toolkit_takes(tmp_path: Path, lines: int, known: int) -> None:
    """Every eighth line, or each where there are no more; one too few or too many at the end."""
    (sequence,) = open_source(_nfs(tmp_path, 30, 10, [_line(x) for x in range(lines)])).sequences()
    step = 1 if lines < 20 else 8
    np.testing.assert_array_equal(sequence.boxes[:, 0], [step * i if i < known else 0 for i in range(10)])
    assert sequence.visible.sum() == known


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        (["x"] * 24, "must be track, left"),
        ([_line(1)] * 50, "boxes but"),
        (["0 9 9 5 12 1 0 0 1"] * 24, "but line 1 is"),
        (["0 -1e308 9 1e308 12 1 0 0 1"] * 24, "but line 1 is"),
    ],
)
def test_damaged_annotations_of_nfs(tmp_path: Path, lines: list[str], said: str) -> None:
    with pytest.raises(FileError, match=said):
        open_source(_nfs(tmp_path, 30, 3, lines)).sequences()


def test_nfs_as_pytracking_packs_it(tmp_path: Path) -> None:
    write_frames(tmp_path / "sequences" / "bee", range(1, 4), 5)
    write_boxes(tmp_path / "anno" / "nfs_bee.txt", moving(3), "\t")
    (sequence,) = open_source(f"nfs:{tmp_path}").sequences()
    assert sequence.name == "bee"
    np.testing.assert_array_equal(sequence.boxes, moving(3))
    with pytest.raises(FileError, match="without the split 240"):
        open_source(f"nfs:{tmp_path}:240").sequences()


def test_tnl2k_trains_on_all_parts_of_its_training_set(tmp_path: Path) -> None:
    LAYOUTS["tnl2k"](tmp_path / "data")
    part = tmp_path / "data" / "TNL2K_train_subset_p2" / "Zoo"
    write_frames(part / "imgs", range(1, 3), 8)
    write_boxes(part / "groundtruth.txt", moving(2))
    source = open_source(f"tnl2k:{tmp_path / 'data'}", training=True)
    assert source.name.endswith(":train")
    assert [sequence.name for sequence in source.sequences()] == ["Arrow_video_ZZ04_done", "Zoo"]
    bare = open_source(f"tnl2k:{tmp_path / 'data' / 'TNL2K_train_subset_p2'}")
    assert [sequence.name for sequence in bare.sequences()] == ["Zoo"]


def _vot(root: Path, name: str, truth: str, frames: int = 3) -> Path:
    write_frames(root / name / "color", range(1, frames + 1), 8)
    (root / name / "groundtruth.txt").write_text(truth)
    return root / name


def test_vot_without_a_list_takes_folders_by_name(tmp_path: Path) -> None:
    _vot(tmp_path, "b", "1,2,30,40\n" * 3)
    _vot(tmp_path, "a", "1,2,30,40\n0\n1,2,nan,40\n")
    (tmp_path / "notes").mkdir()
    first, second = open_source(f"vot:{tmp_path}").sequences()
    assert (first.name, second.name) == ("a", "b")
    np.testing.assert_array_equal(first.visible, [True, False, False])


def test_several_objects_of_vot_are_sequences_of_their_own(tmp_path: Path) -> None:
    folder = _vot(tmp_path, "cars", "1,2,30,40\n")
    (folder / "groundtruth.txt").rename(folder / "groundtruth_000.txt")
    (folder / "groundtruth_001.txt").write_text("5,6,20,20\n" * 3)
    (folder / "groundtruth.txt").write_text("5,6,20,20\n" * 3)
    (tmp_path / "list.txt").write_text("cars\n")
    first, second = open_source(f"vot:{tmp_path}").sequences()
    assert (first.name, second.name) == ("cars_000", "cars_001")
    assert (first_only(first), first_only(second)) == (True, False)
    assert attributes_of(first) == frozenset()


def test_vot_says_where_its_colour_frames_are(tmp_path: Path) -> None:
    folder = _vot(tmp_path, "a", "1,2,30,40\n" * 3)
    (folder / "color").rename(folder / "rgb")
    write_frames(folder / "depth", [1], 8)
    for value in ("rgb/%08d.jpg", "rgb/", "rgb"):
        (folder / "sequence").write_text(f"fps=30\nchannels.depth=depth/%08d.jpg\nchannels.color={value}\n")
        (sequence,) = open_source(f"vot:{tmp_path}").sequences()
        assert (len(sequence), sequence.frame(2).shape) == (3, (72, 96, 3))
    (folder / "sequence").write_text("channels.color=../a/rgb/%08d.jpg\n")
    with pytest.raises(FileError, match="leads out of its folder"):
        open_source(f"vot:{tmp_path}").sequences()


def test_polygons_of_vot_are_kept(tmp_path: Path) -> None:
    _vot(tmp_path, "a", "0,5,5,0,9,5,5,9\n0\n")
    _vot(tmp_path, "b", "1,2,30,40\n" * 3)
    corners, rectangles = (
        getattr(sequence, "polygons", None) for sequence in open_source(f"vot:{tmp_path}").sequences()
    )
    assert rectangles is None
    assert corners is not None
    np.testing.assert_array_equal(corners[0], [0, 5, 5, 0, 9, 5, 5, 9])
    assert np.isnan(corners[1:]).all()


@pytest.mark.parametrize(
    ("truth", "said"),
    [
        ("1,2,30,40\n1,2,3\n1,2,30,40\n", "line 2 must be a rectangle"),
        ("1,2,30,40\n" * 4, "4 boxes but .* 3 images"),
        ("0\n1,2,30,40\n1,2,30,40\n", "the first box has no area"),
    ],
)
def test_damaged_regions_of_vot(tmp_path: Path, truth: str, said: str) -> None:
    _vot(tmp_path, "a", truth)
    with pytest.raises(FileError, match=said):
        open_source(f"vot:{tmp_path}").sequences()


def test_a_list_of_vot_that_names_what_is_not_there(tmp_path: Path) -> None:
    _vot(tmp_path, "a", "1,2,30,40\n" * 3)
    (tmp_path / "list.txt").write_text("a\nb\n")
    with pytest.raises(FileError, match=r"Cannot list .*b: "):
        open_source(f"vot:{tmp_path}").sequences()
    write_frames(tmp_path / "b", [1], 8)
    with pytest.raises(FileError, match=r"b has no groundtruth.txt, but list.txt names it"):
        open_source(f"vot:{tmp_path}").sequences()


def _coco(root: Path, change: dict[str, Any], image: str = "1.jpg") -> str:
    about = {"id": 1, "image_id": 1, "bbox": [1, 2, 60, 70], "iscrowd": 0} | change
    (root / "annotations").mkdir()
    text = json.dumps({"annotations": [about], "images": [{"id": 1, "file_name": image}]})
    (root / "annotations" / "instances_val2014.json").write_text(text)
    return f"coco:{root}:val2014"


def test_images_of_coco_may_lie_as_pytracking_has_them(tmp_path: Path) -> None:
    write_frames(tmp_path / "images" / "val2014", [1], 1)
    (sequence,) = open_source(_coco(tmp_path, {})).sequences()
    assert (sequence.name, len(sequence), sequence.frame(0).shape) == ("1-1", 1, (72, 96, 3))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"image_id": 2}, "annotation 1 is of image 2, which is not listed"),
        ({"bbox": [1, 2, 60]}, "an annotation must have numbers"),
        ({"bbox": [1, 2, 60, float("nan")]}, "an annotation must have numbers"),
        ({"bbox": [1, 2, 60, True]}, "an annotation must have numbers"),
        ({"bbox": [1, 2, 60, 1e14]}, "an annotation must have numbers"),
        ({"iscrowd": 1}, "holds no sequence of the split 'val2014'"),
        ({"bbox": [1, 2, 50, 70]}, "holds no sequence of the split 'val2014'"),
    ],
)
def test_damaged_annotations_of_coco(tmp_path: Path, change: dict[str, Any], said: str) -> None:
    with pytest.raises(FileError, match=said):
        open_source(_coco(tmp_path, change)).sequences()


def test_image_names_of_coco_lead_nowhere_else(tmp_path: Path) -> None:
    with pytest.raises(FileError, match="an image must have"):
        open_source(_coco(tmp_path, {}, image="../1.jpg")).sequences()
