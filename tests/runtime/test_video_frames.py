"""Videos and folders become RGB frames, or a clear error."""

import os
import tempfile
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


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("list.m3u8", b"#EXTM3U\n#EXT-X-TARGETDURATION:5\n#EXTINF:5,\nhttp://127.0.0.1:9/x.ts\n"),
        ("list.mp4", b"ffconcat version 1.0\nfile 'video.mp4'\n"),
        ("list.sdp", b"v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\nm=video 9 RTP/AVP 96\n"),
    ],
)
def test_playlists_lead_nowhere(tmp_path: Path, write_video: Callable[..., Path], name: str, content: bytes) -> None:
    """To no other file, and to no network."""
    write_video()
    (tmp_path / name).write_bytes(content)
    with pytest.raises(FileError, match="read no frame"):
        Frames(tmp_path / name)


def test_what_is_no_regular_file_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.mp4")
    os.symlink("/dev/zero", tmp_path / "zero.mp4")
    os.symlink("/dev/zero", tmp_path / "1.png")
    for name, kind in (("pipe.mp4", "a pipe"), ("zero.mp4", "a device"), ("1.png", "a device")):
        with pytest.raises(FileError, match=f"it is {kind}"):
            list(Frames(tmp_path / name))
    with pytest.raises(FileError, match="it is a device"):
        list(Frames(tmp_path))


def test_a_video_of_a_huge_size_is_refused_before_it_is_decoded(
    write_video: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("compress.runtime.frames.MAX_PIXELS", 240 * 160 - 1)
    with pytest.raises(FileError, match="frames of 240x160 pixels, more than 38,399"):
        Frames(write_video())


def test_an_image_is_a_video_of_one_frame(frame_folder: Path) -> None:
    (only,) = Frames(frame_folder / "3.png")
    np.testing.assert_array_equal(only, selftest_frames()[2])


def test_names_that_look_like_protocols_or_patterns(tmp_path: Path, write_video: Callable[..., Path]) -> None:
    video = write_video()
    for name in ("concat:a.mp4", "http:b.mp4", "%03d.mp4", "-c.mp4"):
        video = video.rename(tmp_path / name)
        assert len(list(Frames(video))) == 10


def test_cut_video_is_refused(write_video: Callable[..., Path]) -> None:
    path = write_video()
    path.write_bytes(path.read_bytes()[:1500])
    with pytest.raises(FileError, match="read no frame"):
        Frames(path)


def test_missing_and_empty_places_are_refused(tmp_path: Path) -> None:
    with pytest.raises(FileError, match="There is no video or folder"):
        Frames(tmp_path / "none.mp4")
    with pytest.raises(FileError, match="There is no video or folder"):
        Frames("http://localhost/video.mp4")
    (tmp_path / "notes.txt").write_text("nothing")
    with pytest.raises(FileError, match="no images"):
        Frames(tmp_path)


def test_frame_of_another_size_is_refused(frame_folder: Path) -> None:
    cv2.imwrite(str(frame_folder / "4.png"), np.zeros((30, 40, 3), np.uint8))
    with pytest.raises(FileError, match=r"Frame 4 .*\(4.png\) is 40x30 but the first is 240x160"):
        list(Frames(frame_folder))


def test_a_folder_of_temporary_files_whose_name_is_no_text(
    tmp_path: Path, write_video: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    place = tmp_path / os.fsdecode(b"t\xe9mp")
    place.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(place))
    assert len(list(Frames(write_video().rename(place / "v.mp4")))) == 10
