"""Published trackers as points."""

from __future__ import annotations

from collections import Counter

import pytest

from compress.core import TRACKERS
from compress.prior import PublishedTracker, published, published_accuracy, rows
from compress.prior.ablations import read_table

POINTS = {point.tracker: point for point in published()}


@pytest.mark.parametrize("point", published(), ids=lambda point: point.tracker)
def test_points_are_named_trackers_with_sources(point: PublishedTracker) -> None:
    assert not point.name or point.name in TRACKERS.names()
    assert point.accuracies
    for metric, figure in point.accuracies.items():
        assert metric == figure.metric
        assert 0.45 < figure.value < 0.9
        assert _is_source(figure.source, figure.paper)
    for speed in point.speeds:
        assert speed.fps > 0
        assert speed.scope in ("network", "loop", "unknown")
        assert speed.target == {"Jetson AGX Xavier": "agx", "Jetson Orin NX": "orin-nx"}.get(speed.device, "")
        assert speed.runtime in ("", "pytorch", "onnxruntime")
        assert _is_source(speed.source, speed.paper)


def _is_source(source: str, paper: str) -> bool:
    return source.startswith(f"{paper}, ") and source.endswith(("README", "abstract", "repository", *"IV123456789b"))


def test_nothing_is_said_twice_or_otherwise() -> None:
    """One accuracy of a tracker and metric, one speed of a tracker, device, runtime, precision, scope and paper."""
    accuracies = Counter((row["tracker"], row["metric"]) for row in read_table("accuracies"))
    columns = ("tracker", "device", "runtime", "precision", "scope", "paper")
    speeds = Counter(tuple(row[name] for name in columns) for row in read_table("speeds"))
    assert not [key for key, times in (*accuracies.items(), *speeds.items()) if times > 1]
    assert {row["tracker"] for row in read_table("speeds")} <= POINTS.keys()


@pytest.mark.parametrize(
    ("tracker", "lasot", "got10k", "agx"),
    [("UETrack-B", 69.2, 72.6, 60), ("UETrack-S", 66.9, 71.1, 67), ("SUTrack-T224", 69.6, 72.7, 34)],
)
def test_peers_that_this_package_does_not_build(tracker: str, lasot: float, got10k: float, agx: float) -> None:
    point = POINTS[tracker]
    assert point.name == ""
    assert point.accuracies["LaSOT AUC"].value == pytest.approx(lasot / 100)
    assert point.accuracies["GOT-10k AO"].value == pytest.approx(got10k / 100)
    (speed,) = (each for each in point.speeds if each.target == "agx")
    assert (speed.fps, speed.runtime, speed.scope) == (agx, "", "unknown")
    assert published_accuracy("", "LaSOT AUC") is None


def test_what_is_known_at_second_hand_says_so() -> None:
    notes = {speed.note for speed in POINTS["AsymTrack-B"].speeds if not speed.runtime}
    assert notes == {"at second hand"}


@pytest.mark.parametrize(
    ("tracker", "device", "runtime", "scope", "fps"),
    [
        ("HiT-Base", "Jetson AGX Xavier", "onnxruntime", "network", {75}),
        ("LiteTrack-B4", "Jetson Orin NX", "onnxruntime", "network", {102}),
        ("OSTrack-256", "Jetson AGX Xavier", "pytorch", "loop", {19}),
        ("MixFormerV2-S", "Jetson AGX Xavier", "pytorch", "loop", {49}),
        ("DyTrack-Fast", "Jetson AGX Xavier", "pytorch", "unknown", {37}),
        ("ABTrack-ViT", "i7-12700K", "pytorch", "loop", {69}),
    ],
)
def test_speeds(tracker: str, device: str, runtime: str, scope: str, fps: set[float]) -> None:
    key = (device, runtime, scope)
    assert {each.fps for each in POINTS[tracker].speeds if (each.device, each.runtime, each.scope) == key} == fps


def test_accuracies() -> None:
    figure = published_accuracy("ostrack256-ce", "LaSOT AUC")
    assert figure is not None
    assert (figure.value, figure.paper, figure.table) == (0.691, "litetrack", "II")
    dytrack = published_accuracy("dytrack", "LaSOT AUC")
    assert dytrack is not None
    assert dytrack.value == 0.692  # every frame at the last exit
    assert published_accuracy("ostrack384-ce", "LaSOT AUC") is None


def test_points_and_ablations_agree() -> None:
    """A figure that stands in both tables is the same in both."""
    found = {(row.paper, row.table, row.tracker, row.metric): row.value for row in rows().values()}
    figures = [
        ((f.paper, f.table, point.tracker, f.metric), f.value)
        for point in published()
        for f in point.accuracies.values()
    ]
    both = [(found[key], value) for key, value in figures if key in found]
    assert len(both) > 8
    assert all(mine == value for mine, value in both)
