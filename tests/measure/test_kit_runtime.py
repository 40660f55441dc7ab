"""Facts and times as a device tells them in a kit's results."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest

from compress.latency import Conditions
from compress.measure.host import conditions
from compress.measure.timing import drift, refusal, settled_rounds, spread


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
