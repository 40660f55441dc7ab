"""Videos and folders become RGB frames, or a clear error."""

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest

from compress.core import FileError
from compress.runtime import Frames
from compress.runtime.selftest import selftest_frames


def test_folder_is_read_in_number_order_and_rgb(frame_folder: Path) -> None:
    frames = Frames(frame_folder)
    assert (frames.fps, frames.count) == (None, 10)
    np.testing.assert_array_equal(np.stack(list(frames)), np.stack(selftest_frames()))


def test_video_is_read_in_rgb_with_its_rate(write_video: Callable[..., Path]) -> None:
    red = np.zeros((64, 80, 3), np.uint8)
    red[..., 0] = 220
    frames = Frames(write_video([red] * 4))
    assert (frames.fps, frames.count) == (25.0, 4)
    seen = list(frames)
    assert len(seen) == 4
    assert np.abs(np.stack(seen).mean(axis=(0, 1, 2)) - [220, 0, 0]).max() < 12


@pytest.mark.parametrize("content", [b"", b"not a video at all", b"\x00" * 5000])
def test_unreadable_video_is_refused(tmp_path: Path, content: bytes, capfd: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "v.mp4").write_bytes(content)
    with pytest.raises(FileError, match=r"read no frame of .*v.mp4.*codec"):
        Frames(tmp_path / "v.mp4")
    assert capfd.readouterr().err == ""


def test_cut_video_is_refused(write_video: Callable[..., Path]) -> None:
    path = write_video()
    path.write_bytes(path.read_bytes()[:1500])
    with pytest.raises(FileError, match="read no frame"):
        Frames(path)


def test_missing_and_empty_places_are_refused(tmp_path: Path) -> None:
    with pytest.raises(FileError, match="no video or folder"):
        Frames(tmp_path / "none.mp4")
    with pytest.raises(FileError, match="no video or folder"):
        Frames("http://localhost/video.mp4")
    (tmp_path / "notes.txt").write_text("nothing")
    with pytest.raises(FileError, match="no images"):
        Frames(tmp_path)


def test_frame_of_another_size_is_refused(frame_folder: Path) -> None:
    cv2.imwrite(str(frame_folder / "4.png"), np.zeros((30, 40, 3), np.uint8))
    with pytest.raises(FileError, match="Frame 4 .* is 40x30 but the first is 240x160"):
        list(Frames(frame_folder))
