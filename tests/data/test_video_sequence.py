"""Frames of a video in any order, and videos that do not fit their annotations."""

from __future__ import annotations

import pickle
from pathlib import Path

import cv2
import numpy as np
import pytest

from compress.core import FileError
from compress.data import open_source
from compress.data.readers.video import VideoSource
from compress.testing.recorded_layouts import LAYOUTS, moving, write_boxes


@pytest.fixture
def videos(tmp_path: Path) -> Path:
    LAYOUTS["video"](tmp_path / "data")
    return tmp_path / "data"


def test_frames_in_any_order_are_those_of_their_numbers(videos: Path) -> None:
    sequence = VideoSource(str(videos / "cat.mp4")).sequences()[0]
    assert (sequence.name, len(sequence)) == ("cat", 12)
    capture = cv2.VideoCapture(str(videos / "cat.mp4"))
    wanted = [capture.read()[1][..., ::-1] for _ in range(12)]
    assert len({int(frame.mean()) for frame in wanted}) == 12, "which can be told apart"
    for index in (0, 1, 2, 2, 7, 3, 11, 0, 11):
        assert np.array_equal(sequence.frame(index), wanted[index])
    frame = sequence.frame(4)
    frame[:] = 0
    assert sequence.frame(4).any(), "what is kept is not what was given away"
    with pytest.raises(IndexError):
        sequence.frame(12)


def test_a_video_goes_to_other_processes(videos: Path) -> None:
    source = VideoSource(str(videos / "cat.mp4"))
    sequence = source.opened(source.files[0])
    _ = sequence.frame(3)
    again = pickle.loads(pickle.dumps(sequence))
    assert np.array_equal(again.frame(3), sequence.frame(3))
    assert np.array_equal(again.boxes, sequence.boxes)


@pytest.mark.parametrize("count", [8, 40])
def test_another_number_of_boxes_is_refused(videos: Path, count: int) -> None:
    write_boxes(videos / "cat.txt", moving(count))
    with pytest.raises(FileError, match=rf"cat.txt has {count} boxes but .*cat.mp4 has 12 frames"):
        open_source(f"video:{videos}").sequences()


def test_a_video_that_ends_before_its_header_says_is_refused_there(videos: Path) -> None:
    write_boxes(videos / "cat.txt", moving(14))
    sequence = open_source(f"video:{videos / 'cat.mp4'}").sequences()[0]
    with pytest.raises(FileError, match="ends after 12 frames"):
        sequence.frame(13)
    assert sequence.frame(0).any(), "the others stay readable"


@pytest.mark.parametrize(
    ("name", "data", "said"),
    [("dog.mp4", b"no video", "OpenCV can read no frame"), ("new.mp4", b"", r"has no new\.txt beside it")],
)
def test_what_is_no_video_or_has_no_boxes_is_refused(videos: Path, name: str, data: bytes, said: str) -> None:
    (videos / name).write_bytes(data or (videos / "cat.mp4").read_bytes())
    with pytest.raises(FileError, match=said):
        open_source(f"video:{videos}").sequences()


def test_nothing_at_the_path(tmp_path: Path) -> None:
    with pytest.raises(FileError, match=r"holds no sequence.*cat\.txt"):
        open_source(f"video:{tmp_path / 'none.mp4'}").sequences()
