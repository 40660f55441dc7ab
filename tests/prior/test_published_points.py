"""Published trackers as points."""

from __future__ import annotations

import pytest

from compress.core import TRACKERS
from compress.prior import PublishedTracker, published, published_accuracy, rows

POINTS = {point.tracker: point for point in published()}


@pytest.mark.parametrize("point", published(), ids=lambda point: point.tracker)
def test_points_are_named_trackers_with_sources(point: PublishedTracker) -> None:
    assert point.name in TRACKERS.names()
    assert point.accuracies
    for metric, figure in point.accuracies.items():
        assert metric == figure.metric
        assert 0.5 < figure.value < 0.8
        assert figure.source.startswith(f"{figure.paper}, Table ")
    for speed in point.speeds:
        assert speed.fps > 0
        assert speed.scope in ("network", "loop", "unknown")
        assert speed.target in ("", "agx", "orin-nx")


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
