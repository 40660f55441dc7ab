"""What travels in a kit computes what compress computes itself."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest

from compress.core import HeadSpec, TrackerSpec
from compress.geometry import decode as wanted_decode
from compress.geometry import hann_window
from compress.geometry.crop import crop_target, preprocess
from compress.latency import Conditions
from compress.measure.kit_runtime.facts import conditions
from compress.measure.kit_runtime.loop import Loop, decode
from compress.measure.timing import drift, refusal, settled_rounds, spread

FRAME = np.random.default_rng(1).integers(0, 256, (480, 640, 3), dtype=np.uint8)
SETTINGS = {"frame": [480, 640], "search_size": 128, "search_factor": 4.0, "grid": 8, "maps": {"score_map": [1, 8, 8]}}


def test_crops_are_those_of_the_frame_loop() -> None:
    box = [272.0, 192.0, 96.0, 96.0]
    found = Loop(SETTINGS, None).crop(FRAME, 320 - 192, 240 - 192, 384)
    np.testing.assert_array_equal(found, preprocess(FRAME, box, 4.0, 128)[0])


def test_crops_without_opencv_are_the_same_to_a_level() -> None:
    smooth = cv2.GaussianBlur(FRAME, (0, 0), 3)
    box = [272.0, 192.0, 96.0, 96.0]
    levels = crop_target(smooth, box, factor=4.0, size=128).image.astype(int)
    found = Loop(SETTINGS, None, opencv=False).crop(smooth, 320 - 192, 240 - 192, 384)
    std, mean = (np.array(v).reshape(3, 1, 1) for v in ((0.229, 0.224, 0.225), (0.485, 0.456, 0.406)))
    back = np.rint((found[0] * std + mean) * 255).transpose(1, 2, 0)
    assert np.abs(back - levels).max() <= 1


@pytest.mark.parametrize("kind", ["centre", "corner", "pyramid", "tokens"])
def test_boxes_are_those_of_the_frame_loop(tiny: TrackerSpec, kind: str) -> None:
    head = HeadSpec(kind=kind, channels=16, bins=8 * (kind == "tokens"))  # type: ignore[arg-type]
    spec = replace(tiny, head=head)
    rng = np.random.default_rng(2)
    maps = {name: rng.random((1, *shape), dtype=np.float32) for name, shape in spec.maps.items()}
    window = hann_window(spec.grid)
    (box, score), (wanted_box, wanted_score) = decode(maps, window), wanted_decode(maps, window)
    np.testing.assert_allclose(box, wanted_box, rtol=1e-6)
    assert score == pytest.approx(wanted_score)


@pytest.mark.parametrize("opencv", [True, False])
def test_a_network_is_given_every_frame(opencv: bool) -> None:
    maps = {"score_map": [1, 8, 8], "size_map": [2, 8, 8], "offset_map": [2, 8, 8]}
    seen: list[np.ndarray] = []
    loop = Loop(SETTINGS | {"maps": maps}, seen.append, opencv=opencv)
    loop()
    loop()
    assert [crop.shape for crop in seen] == [(1, 3, 128, 128)] * 2
    np.testing.assert_array_equal(seen[0], seen[1])  # the box stays where it is


def test_conditions_are_facts_in_a_line() -> None:
    before = conditions()
    found = Conditions(**conditions(before | {"celsius": "1"}))
    assert list(found.problems()) == []
    assert found.when.endswith("Z")
    assert found.loop == f"opencv {cv2.__version__}"
    assert found.celsius.startswith("1 before, ")
    assert list(replace(found, gpu="a\nb").problems()) == ["gpu must be at most 300 printable characters"]


def test_throttling_and_noise_are_told_apart() -> None:
    even = np.tile(np.linspace(1.0, 1.1, 5), (3, 12, 1))
    assert refusal(even) == ""
    throttled, uneven = even.copy(), even.copy()
    throttled[:, 6:] *= 1.5
    uneven[:, ::2] *= 1.5
    assert drift(throttled) == pytest.approx(0.5)
    assert refusal(throttled).startswith("it became 50% slower while it was timed (at most 20%): it throttles")
    assert spread(uneven) == pytest.approx(0.5)
    assert refusal(uneven) == "two halves of the rounds are 50% apart (at most 20%)"


def test_rounds_from_before_a_change_of_speed_are_dropped() -> None:
    """A call that becomes slower after half of four rounds is measured again from then on."""
    calls = iter(range(10**6))

    def throttling() -> None:
        sum(range(20_000 if next(calls) < 2 * 8 else 200_000))

    assert settled_rounds([throttling], rounds=4).shape[1] == 4
