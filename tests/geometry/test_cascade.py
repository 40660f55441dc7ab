"""Two networks as one tracker: whose answer counts, around which box, from which crop."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from compress.core import ACCURATE_ASKED, FAST_ALONE
from compress.geometry import (
    CascadeNetwork,
    CascadeSettings,
    CascadeTracker,
    FrameTracker,
    LoopSettings,
    NetworkOutput,
    Prediction,
    cascade,
    frame_tracker,
    preprocess,
)

SMALL = LoopSettings(template_size=64, search_size=128, template_factor=2.0, search_factor=4.0, grid=8)
LARGE = LoopSettings(template_size=128, search_size=256, template_factor=2.0, search_factor=5.0, grid=16)
INIT = (250.0, 180.0, 80.0, 60.0)


@dataclass
class Moving:
    """Boxes that follow from the crop and the template, with scores between 0 and 1 that do too."""

    grid: int
    seed: int
    crops: list[NDArray[np.float32]] = field(default_factory=list)

    def encode_template(self, template: Any, template_box: Any, online_template: Any = None) -> Any:
        return float(template.mean())

    def track(self, search: NDArray[np.float32], memory: Any) -> NetworkOutput:
        self.crops.append(search)
        rng = np.random.default_rng([self.seed, int(abs(float(search.mean()) + memory) * 1e6)])
        n, height = self.grid, rng.random()
        return NetworkOutput({
            "score_map": (height * rng.random((1, 1, n, n))).astype(np.float32),
            "size_map": rng.uniform(0.15, 0.3, (1, 2, n, n)).astype(np.float32),
            "offset_map": rng.uniform(-0.5, 0.5, (1, 2, n, n)).astype(np.float32),
        })  # fmt: skip


def _networks(large: bool = False) -> CascadeNetwork:
    return CascadeNetwork(Moving(8, 1), Moving(16 if large else 8, 2))


def _follow(tracker: Any, frame: NDArray[np.uint8], frames: int = 12) -> list[Prediction]:
    tracker.start(frame, INIT)
    return [tracker.update(np.roll(frame, 3 * k, axis=1)) for k in range(frames)]


@pytest.mark.parametrize("large", [False, True], ids=["one crop", "two crops"])
def test_each_frame_by_hand(frame: NDArray[np.uint8], large: bool) -> None:
    """Both trackers are put on the cascade's last box by hand, and the accurate one asked where the score is low."""
    accurate = LARGE if large else SMALL
    found = _follow(CascadeTracker(_networks(large), CascadeSettings(SMALL, accurate, 0.4)), frame)
    networks, box = _networks(large), np.array(INIT)
    loops = FrameTracker(networks.fast, SMALL), FrameTracker(networks.accurate, accurate)
    for loop in loops:
        loop.start(frame, INIT)
    for k, got in enumerate(found):
        now = np.roll(frame, 3 * k, axis=1)
        for loop in loops:
            loop.move(box)
        first = wanted = loops[0].update(now)
        asked = not first.score > 0.4
        if asked:
            wanted = loops[1].update(now)
        np.testing.assert_array_equal(got.box, wanted.box)
        assert (got.score, got.fast_score) == (wanted.score, first.score)
        assert got.path == (ACCURATE_ASKED if asked else FAST_ALONE)
        box = wanted.box
    assert {each.path for each in found} == {ACCURATE_ASKED, FAST_ALONE}


@pytest.mark.parametrize(("threshold", "alone"), [(0.0, "fast"), (1.0, "accurate")])
def test_a_threshold_at_the_end_is_one_of_the_two_alone(frame: NDArray[np.uint8], threshold: float, alone: str) -> None:
    settings = CascadeSettings(SMALL, LARGE, threshold)
    found = _follow(CascadeTracker(_networks(large=True), settings), frame)
    wanted = _follow(FrameTracker(getattr(_networks(large=True), alone), getattr(settings, alone)), frame)
    np.testing.assert_array_equal([each.box for each in found], [each.box for each in wanted])


def test_a_score_at_the_threshold_asks(frame: NDArray[np.uint8]) -> None:
    """In single precision, as PyTorch and onnxruntime have it."""
    (first,) = _follow(FrameTracker(Moving(8, 1), SMALL), frame, frames=1)
    at = _follow(CascadeTracker(_networks(), CascadeSettings(SMALL, SMALL, first.score)), frame, frames=1)
    below = np.nextafter(np.float32(first.score), np.float32(0))
    under = _follow(CascadeTracker(_networks(), CascadeSettings(SMALL, SMALL, float(below))), frame, frames=1)
    assert (at[0].path, under[0].path) == (ACCURATE_ASKED, FAST_ALONE)


@pytest.mark.parametrize(("accurate", "crops"), [(SMALL, 12), (LARGE, 24)], ids=["equal", "different"])
def test_equal_crops_are_made_once(
    frame: NDArray[np.uint8], monkeypatch: pytest.MonkeyPatch, accurate: LoopSettings, crops: int
) -> None:
    made = []

    def counted(*args: Any) -> Any:
        made.append(args)
        return preprocess(*args)

    monkeypatch.setattr(cascade, "preprocess", counted)
    networks = _networks(large=accurate is LARGE)
    _follow(CascadeTracker(networks, CascadeSettings(SMALL, accurate, 1.0)), frame)
    assert len(made) == crops
    same = all(a is b for a, b in zip(networks.fast.crops, networks.accurate.crops, strict=True))  # type: ignore[attr-defined]
    assert same == (accurate is SMALL)


def test_a_frame_in_the_memory_of_the_last_is_cropped_anew(frame: NDArray[np.uint8]) -> None:
    """As by a reader of videos that fills one buffer; the box has not moved either."""
    buffer, networks = frame.copy(), _networks()
    tracker = CascadeTracker(networks, CascadeSettings(SMALL, SMALL, 0.0))
    tracker.start(buffer, INIT)
    for shade in (0, 255):
        buffer[:] = shade
        tracker.crop(buffer)
    assert float(tracker.crop(buffer).max()) > 2


def test_the_loop_is_that_of_the_network() -> None:
    assert isinstance(frame_tracker(Moving(8, 1), SMALL), FrameTracker)
    assert isinstance(frame_tracker(_networks(), CascadeSettings(SMALL, SMALL, 0.5)), CascadeTracker)
