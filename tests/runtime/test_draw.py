"""Drawn videos are whole or absent."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from compress.core import BypassSpec, ExecutionPath, ExitSpec, FileError, LayerSpec, TrackerSpec, UsageError
from compress.runtime import Frames, Step, box_video
from compress.runtime.follow_video import label

GREY = np.full((96, 128, 3), 90, np.uint8)
BOX = np.array([30.0, 40.0, 50.0, 30.0])


def test_box_is_drawn_where_it_is_in_green(tmp_path: Path) -> None:
    with box_video(tmp_path / "out.mp4", size=(128, 96), fps=20.0) as video:
        for _ in range(5):
            video.write(GREY, BOX, "score 0.91")
    frames = Frames(tmp_path / "out.mp4")
    assert frames.fps == 20.0
    drawn = list(frames)
    assert len(drawn) == 5
    edge = drawn[2][40, 35:75].astype(int).mean(axis=0)
    assert edge[1] > edge[0] + 40
    assert edge[1] > edge[2] + 40
    assert np.abs(drawn[2][50:65, 40:70].astype(int) - 90).max() < 25


def _row_of_ground(picture: np.ndarray) -> int:
    """The first row whose left edge is not black."""
    return int((picture[:, 1].max(axis=1) > 45).argmax())


def test_each_line_of_a_label_has_a_row_of_its_own(tmp_path: Path) -> None:
    with box_video(tmp_path / "out.mp4", size=(128, 96), fps=20.0) as video:
        for label in ("one", "one\ntwo"):
            video.write(GREY, BOX, label)
    one, two = map(_row_of_ground, Frames(tmp_path / "out.mp4"))
    assert 10 <= one <= 20
    assert abs(two - 2 * one) <= 2


def test_an_adaptive_trackers_frame_says_what_was_computed() -> None:
    """Of six layers, four in front of the second exit, one of them skipped."""
    layers = tuple(LayerSpec(source=i, mlp_hidden=48) for i in range(6))
    spec = TrackerSpec(dim=32, heads=2, layers=layers, bypass=BypassSpec(n_enf=1))
    exits = replace(spec, exits=(ExitSpec(2), ExitSpec(4), ExitSpec(6)))
    step = Step(GREY, BOX, score=0.914, ms=12.5)
    assert label(step, spec, first=True) == "start"
    assert label(step, spec, first=False) == "score 0.91  80 fps"
    found = label(replace(step, path=ExecutionPath(frozenset({2}), 1)), exits, first=False)
    assert found == "score 0.91  80 fps\n3/6 layers, exit 1"
    assert label(replace(step, path=ExecutionPath(frozenset({2, 3}))), spec, first=False).endswith("\n4/6 layers")


@pytest.mark.parametrize(
    "fps",
    [66.667, 105.611, 119.987, 239.763, 30000 / 1001, 59.94005994, 655.35, 1000, 0.5, 0.02, 12.345678],
)
def test_any_rate_is_kept_closely(tmp_path: Path, fps: float) -> None:
    with box_video(tmp_path / "out.mp4", size=(128, 96), fps=fps) as video:
        for _ in range(3):
            video.write(GREY, BOX, "start")
    frames = Frames(tmp_path / "out.mp4")
    assert frames.fps == pytest.approx(fps, abs=0.01)
    assert len(list(frames)) == 3


@pytest.mark.parametrize("fps", [0, -5, float("nan"), float("inf"), 1e9, 1e-9])
def test_rates_that_are_none_are_drawn_at_one_that_is(tmp_path: Path, fps: float) -> None:
    with box_video(tmp_path / "out.mp4", size=(128, 96), fps=fps) as video:
        video.write(GREY, BOX, "start")
    assert len(list(Frames(tmp_path / "out.mp4"))) == 1


@pytest.mark.parametrize("name", ["out.avi", "out", "out.txt"])
def test_unknown_suffix_is_refused_early(tmp_path: Path, name: str) -> None:
    with pytest.raises(UsageError, match=r"\.mp4"), box_video(tmp_path / name, size=(128, 96), fps=20.0):
        pytest.fail("the block must not be entered")


def test_nothing_stays_when_the_block_fails(tmp_path: Path) -> None:
    def interrupted() -> None:
        with box_video(tmp_path / "out.mp4", size=(128, 96), fps=20.0) as video:
            video.write(GREY, BOX, "start")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert list(tmp_path.iterdir()) == []


def test_frames_that_were_not_stored_are_missed(tmp_path: Path) -> None:
    def dropped() -> None:
        with box_video(tmp_path / "out.mp4", size=(128, 96), fps=20.0) as video:
            video.write(GREY, BOX, "start")
            # OpenCV drops a frame of another size without a word, as it does when the disk is full.
            video.write(GREY[:50], BOX, "start")

    with pytest.raises(FileError, match="Only 1 of 2 frames"):
        dropped()
    assert list(tmp_path.iterdir()) == []
