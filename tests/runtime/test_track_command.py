"""`compress track` from end to end."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from compress.cli import main
from compress.geometry import FrameTracker
from compress.runtime import BundleNetwork, Frames, open_bundle, speed, track
from compress.runtime.selftest import INIT, selftest_frames

START = "60,50,48,36"


def _run(*args: object) -> int:
    with pytest.raises(SystemExit) as stop:
        main(["track", *map(str, args)])
    return int(stop.value.code or 0)


def test_boxes_are_those_of_the_frame_loop(
    bundle_folder: Path, frame_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "boxes.txt"
    assert _run(bundle_folder, "--video", frame_folder, "--init", START, "--out", out) == 0
    bundle = open_bundle(bundle_folder)
    tracker = FrameTracker(BundleNetwork(bundle), bundle.settings)
    frames = list(Frames(frame_folder))
    tracker.start(frames[0], INIT)
    wanted = [list(INIT), *(tracker.update(frame).box for frame in frames[1:])]
    np.testing.assert_allclose(np.loadtxt(out, delimiter=","), wanted, atol=6e-4)
    said = capsys.readouterr().out
    assert "10 frames" in said
    assert "without reading and drawing" in said


def test_summary_says_how_often_the_template_was_renewed(
    updating_folder: Path, bundle_folder: Path, frame_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    args = ("--video", frame_folder, "--init", START, "--out", tmp_path / "boxes.txt")
    assert _run(updating_folder, *args, "--json") == 0
    result = json.loads(capsys.readouterr().out)
    bundle = open_bundle(updating_folder)
    steps = track(BundleNetwork(bundle), bundle.settings, Frames(frame_folder), INIT)
    renewed = [i for i, step in enumerate(steps) if step.renewed]
    assert renewed
    assert set(renewed) <= {3, 6, 9}
    assert (result["update_interval"], result["renewals"]) == (3, len(renewed))
    assert _run(updating_folder, *args) == 0
    assert f"The template was renewed {len(renewed)} times" in capsys.readouterr().out
    assert _run(bundle_folder, *args) == 0
    assert "renewed" not in capsys.readouterr().out


def test_video_is_drawn_and_json_reports(
    bundle_folder: Path, write_video: Callable[..., Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out, drawn = tmp_path / "boxes.txt", tmp_path / "drawn.mp4"
    video = write_video()
    args = (bundle_folder, "--video", video, "--init", START, "--out", out, "--draw", drawn, "--threads", 2, "--json")
    assert _run(*args) == 0
    result = json.loads(capsys.readouterr().out)
    assert (result["frames"], result["video_fps"], result["threads"]) == (10, 25.0, 2)
    assert result["fps"] == pytest.approx(1000 / result["mean_ms"])
    assert 0 < result["p50_ms"] <= result["p99_ms"]
    assert len(out.read_text().splitlines()) == len(list(Frames(drawn))) == 10


@pytest.mark.parametrize(
    ("init", "message"),
    [
        ("1,2,3", "--init must be 4 numbers with commas between"),
        ("a,b,c,d", "--init must be 4 numbers with commas between"),
        ("10,10,0,5", "no area"),
        ("10,10,-4,5", "no area"),
        ("nan,1,2,3", "each a number of pixels from -10,000,000 to 10,000,000"),
        ("1e300,1,2,3", "each a number of pixels"),
        ("1e-300,1e-300,1e-300,1e-300", "smaller than a pixel"),
        ("0.25,0.25,0.5,0.5", "not shares of the frame"),
        ("500,10,20,20", "240x160"),
    ],
)
def test_impossible_boxes_are_refused(
    bundle_folder: Path, frame_folder: Path, tmp_path: Path, init: str, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "new" / "boxes.txt"
    out.parent.mkdir()
    assert _run(bundle_folder, "--video", frame_folder, "--init", init, "--out", out) == 2
    assert message in capsys.readouterr().err
    assert list(out.parent.iterdir()) == []


def test_results_never_replace_the_video_or_each_other(
    bundle_folder: Path, write_video: Callable[..., Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    video = write_video()
    before = video.read_bytes()
    base = (bundle_folder, "--video", video, "--init", START)
    assert _run(*base, "--out", video) == 2
    assert _run(*base, "--out", tmp_path / "b.txt", "--draw", video) == 2
    assert _run(*base, "--out", tmp_path / "b.mp4", "--draw", tmp_path / "b.mp4") == 2
    assert _run(*base, "--out", tmp_path / "b.txt", "--draw", tmp_path / "b.avi") == 2
    assert _run(*base, "--out", tmp_path) == 2
    assert video.read_bytes() == before
    assert [path.name for path in tmp_path.iterdir()] == [video.name]


def test_damaged_frame_leaves_nothing(bundle_folder: Path, frame_folder: Path, tmp_path: Path) -> None:
    (frame_folder / "7.png").write_bytes(b"no picture")
    out = tmp_path / "new"
    args = (bundle_folder, "--video", frame_folder, "--init", START)
    assert _run(*args, "--out", out / "boxes.txt", "--draw", out / "drawn.mp4") == 1
    assert list(out.iterdir()) == []


def test_one_frame_has_no_speed(bundle_folder: Path, frame_folder: Path, tmp_path: Path) -> None:
    for path in frame_folder.glob("*.png"):
        if path.name != "1.png":
            path.unlink()
    assert _run(bundle_folder, "--video", frame_folder, "--init", START, "--out", tmp_path / "b.txt") == 0
    assert (tmp_path / "b.txt").read_text() == "60.000,50.000,48.000,36.000\n"
    assert speed([])["fps"] is None


def test_torch_is_never_imported(bundle_folder: Path, frame_folder: Path, tmp_path: Path) -> None:
    args = [
        "track",
        str(bundle_folder),
        "--video",
        str(frame_folder),
        "--init",
        START,
        "--out",
        str(tmp_path / "b.txt"),
    ]
    code = f"""
import sys
import time
from compress.cli import main
try:
    main({[*args, "--draw", str(tmp_path / "d.mp4")]!r})
except SystemExit as stop:
    assert not stop.code, stop.code
try:
    main(["verify", {str(bundle_folder)!r}])
except SystemExit as stop:
    assert not stop.code, stop.code
found = {{"torch", "timm", "onnx", "pandas", "optuna", "ray"}} & set(sys.modules)
assert not found, found
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert len((tmp_path / "b.txt").read_text().splitlines()) == 10


def test_sigterm_leaves_nothing_half_written(bundle_folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "new"
    args = ["track", bundle_folder, "--video", _long_video(tmp_path), "--init", START, "--out", out / "b.txt"]
    command = [sys.executable, "-m", "compress", *map(str, [*args, "--draw", out / "d.mp4", "--quiet"])]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    while len(list(out.glob(".compress-*"))) < 2:
        assert process.poll() is None, process.communicate()[1]
        time.sleep(0.02)
    process.terminate()
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 143, errors
    assert errors.endswith("Terminated.\n")
    assert list(out.iterdir()) == []


def _long_video(folder: Path) -> Path:
    """Frames for half a minute or more, of which a test sees only the first."""
    import cv2

    video = folder / "long"
    video.mkdir()
    cv2.imwrite(str(video / "0.png"), selftest_frames()[0])
    for i in range(1, 5_000):
        (video / f"{i}.png").symlink_to("0.png")
    return video


def test_steps_hold_the_initial_box_first(bundle_folder: Path) -> None:
    bundle = open_bundle(bundle_folder)
    steps = list(track(BundleNetwork(bundle), bundle.settings, selftest_frames(), INIT))
    assert tuple(steps[0].box) == INIT
    assert steps[0].score == 1.0
    assert all(0 < step.score < 1 and step.ms > 0 for step in steps[1:])


def test_generated_sequence_needs_no_box(
    bundle_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "boxes.txt"
    assert _run(bundle_folder, "--video", "generated:scale-1", "--out", out, "--json") == 0
    assert json.loads(capsys.readouterr().out)["frames"] == len(out.read_text().splitlines()) == 60
    assert _run(bundle_folder, "--video", "generated:scales-1", "--out", out) == 2
    assert "Did you mean scale-1" in capsys.readouterr().err


def test_labelled_folder_gives_the_box(
    bundle_folder: Path, frame_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    labelled = tmp_path / "labelled"
    labelled.mkdir()
    for path in frame_folder.iterdir():
        (labelled / path.name).write_bytes(path.read_bytes())
    count = len(list(Frames(frame_folder)))
    (labelled / "groundtruth.txt").write_text(f"{START}\n" * count)
    out = tmp_path / "boxes.txt"
    assert _run(bundle_folder, "--video", labelled, "--out", out) == 0
    assert out.read_text().splitlines()[0] == "60.000,50.000,48.000,36.000"
    assert _run(bundle_folder, "--video", frame_folder, "--out", out) == 2
    assert "--init x,y,w,h" in capsys.readouterr().err


@pytest.mark.parametrize(
    "text",
    [START + "\n", "60,50,108,50,108,86,60,86\n" * 10, f"{START}\nNaN,NaN\nwhatever", "\ufeff60 50 48 36\r\n"],
    ids=["one line", "polygons", "damaged later", "byte-order mark"],
)
def test_only_the_first_line_of_annotations_counts(
    bundle_folder: Path, frame_folder: Path, tmp_path: Path, text: str
) -> None:
    """As a test set of GOT-10k has them, and VOT; and none with --init."""
    (frame_folder / "groundtruth.txt").write_text(text, encoding="utf-8")
    out = tmp_path / "boxes.txt"
    assert _run(bundle_folder, "--video", frame_folder, "--out", out) == 0
    assert out.read_text().startswith("60.000,50.000,48.000,36.000\n")
    (frame_folder / "groundtruth.txt").write_text("no box\n")
    assert _run(bundle_folder, "--video", frame_folder, "--out", out) == 1
    assert _run(bundle_folder, "--video", frame_folder, "--out", out, "--init", START) == 0


def test_images_of_a_data_sets_layout_are_found(bundle_folder: Path, frame_folder: Path, tmp_path: Path) -> None:
    (tmp_path / "lasot").mkdir()
    frame_folder.rename(tmp_path / "lasot" / "img")
    (tmp_path / "lasot" / "groundtruth.txt").write_text(START)
    out = tmp_path / "boxes.txt"
    assert _run(bundle_folder, "--video", tmp_path / "lasot", "--out", out) == 0
    assert len(out.read_text().splitlines()) == 10


@pytest.mark.parametrize("name", [b"caf\xe9", b"\xca\xd3\xc6\xb5", b"\xff"], ids=["Latin-1", "GBK", "no text"])
def test_names_that_are_no_text_are_read_and_written(
    bundle_folder: Path, write_video: Callable[..., Path], tmp_path: Path, name: bytes
) -> None:
    """Native libraries crash on them. Here the folder has such a name, and so have the files."""
    place = tmp_path / os.fsdecode(name)
    place.mkdir()
    video = write_video().rename(place / f"{place.name}.mp4")
    out, drawn = place / f"{place.name}.txt", place / f"{place.name} drawn.mp4"
    assert _run(bundle_folder, "--video", video, "--init", START, "--out", out, "--draw", drawn) == 0
    assert sorted(place.iterdir()) == sorted((video, out, drawn))
    assert len(out.read_text().splitlines()) == len(list(Frames(drawn))) == 10


def test_a_frame_or_a_graph_is_never_replaced(
    bundle_folder: Path, frame_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    graph = next(bundle_folder.glob("*.onnx"))
    linked = tmp_path / "linked.txt"
    linked.symlink_to(frame_folder / "4.png")
    os.link(graph, tmp_path / "second.txt")
    for out in (frame_folder / "4.png", linked, graph, tmp_path / "second.txt"):
        before = out.read_bytes()
        assert _run(bundle_folder, "--video", frame_folder, "--init", START, "--out", out) == 2
        assert "would be overwritten" in capsys.readouterr().err
        assert out.read_bytes() == before


def test_a_video_that_ends_early_is_a_warning(
    bundle_folder: Path, write_video: Callable[..., Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (12, 160, 240, 3), dtype=np.uint8)
    video = write_video([*selftest_frames()[:1], *noise], "v.avi", "MJPG")
    data = video.read_bytes()
    video.write_bytes(data[: len(data) // 2])
    out = tmp_path / "boxes.txt"
    assert _run(bundle_folder, "--video", video, "--init", START, "--out", out, "--json") == 0
    said = capsys.readouterr()
    frames = json.loads(said.out)["frames"]
    assert 1 <= frames < 13
    assert f"announces 13 frames, but only {frames} could be read" in said.err
