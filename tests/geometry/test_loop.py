from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from compress.core import CompressError, UsageError, describe
from compress.geometry import FrameTracker, LoopSettings, NetworkOutput

Arrays = dict[str, NDArray[Any]]


class SeededMaps:
    """The maps the oracle's loops were made with: drawn anew for every frame, whatever the crop shows."""

    def __init__(self, grid: int) -> None:
        self.grid = grid
        self.frame = 0
        self.template_boxes: list[Any] = []

    def encode_template(self, template: Any, template_box: Any, online_template: Any = None) -> Any:
        self.template_boxes.append(template_box)
        return template

    def track(self, search: NDArray[np.float32], memory: Any) -> NetworkOutput:
        self.frame += 1
        n, k = self.grid, self.frame
        maps = {
            "score_map": np.random.default_rng(1000 + k).random((1, 1, n, n)).astype(np.float32),
            "size_map": np.random.default_rng(2000 + k).uniform(0.1, 0.4, (1, 2, n, n)).astype(np.float32),
            "offset_map": np.random.default_rng(3000 + k).uniform(-0.5, 0.5, (1, 2, n, n)).astype(np.float32),
        }
        return NetworkOutput(maps)


class Broken(SeededMaps):
    def track(self, search: NDArray[np.float32], memory: Any) -> NetworkOutput:
        maps = super().track(search, memory).maps
        return NetworkOutput({name: np.full_like(array, np.nan) for name, array in maps.items()})


def _settings(size: int, **changes: Any) -> LoopSettings:
    template, factor = (128, 4.0) if size == 256 else (192, 5.0)
    return LoopSettings(
        **{
            "template_size": template,
            "search_size": size,
            "template_factor": 2.0,
            "search_factor": factor,
            "grid": size // 16,
            **changes,
        }
    )


@pytest.mark.parametrize("size", [256, 384])
@pytest.mark.parametrize("start", ["interior", "corner"])
def test_twelve_frames_match_the_published_loop(
    oracle: Arrays, frame: NDArray[np.uint8], size: int, start: str
) -> None:
    tracker = FrameTracker(SeededMaps(size // 16), _settings(size))
    tracker.start(frame, oracle[f"loop256_{start}_init"])
    states = np.stack([tracker.update(frame).box for _ in range(12)])
    np.testing.assert_array_equal(states, oracle[f"loop{size}_{start}_states"])


def test_settings_of_a_spec() -> None:
    assert LoopSettings.of(describe("litetrack-b4")) == _settings(256, target_token=True)
    nano = LoopSettings.of(describe("ostrack-nano"))
    assert (nano.template_size, nano.search_size, nano.grid, nano.target_token) == (64, 128, 8, False)


def test_only_a_target_token_is_given_the_template_box(frame: NDArray[np.uint8]) -> None:
    for token in (False, True):
        network = SeededMaps(16)
        FrameTracker(network, _settings(256, target_token=token)).start(frame, (250, 180, 80, 60))
        (box,) = network.template_boxes
        assert (box is not None) == token
        if token:
            assert box.shape == (1, 4)
            np.testing.assert_allclose(box.mean(), 63.5 / 128, rtol=1e-6)


def test_start_refuses_a_box_outside_the_frame(frame: NDArray[np.uint8]) -> None:
    with pytest.raises(UsageError, match="640x480.*700,10,20,20"):
        FrameTracker(SeededMaps(16), _settings(256)).start(frame, (700, 10, 20, 20))


def test_update_needs_start_and_rgb_frames(frame: NDArray[np.uint8]) -> None:
    tracker = FrameTracker(SeededMaps(16), _settings(256))
    with pytest.raises(UsageError, match="before start"):
        tracker.update(frame)
    tracker.start(frame, (250, 180, 80, 60))
    with pytest.raises(UsageError, match="uint8 RGB"):
        tracker.update(frame[..., 0])


def test_maps_that_are_not_finite_are_named(frame: NDArray[np.uint8]) -> None:
    tracker = FrameTracker(Broken(16), _settings(256))
    tracker.start(frame, (250, 180, 80, 60))
    with pytest.raises(CompressError, match="not finite"):
        tracker.update(frame)
