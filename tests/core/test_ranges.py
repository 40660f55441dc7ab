"""Ranges of numbers, as Python callers meet them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from compress.core import UsageError
from compress.core.ranges import FPS, SHARE, THREADS


@pytest.mark.parametrize("value", [0, 257, 10**400, 10**30, 1.0, True, None, "1", float("nan"), np.int64(1), [1]])
def test_what_is_no_number_of_the_range_is_refused_by_name(value: Any) -> None:
    with pytest.raises(UsageError, match="^threads must be a whole number from 1 to 256 but is "):
        THREADS.check("threads", value)


@pytest.mark.parametrize("value", [0, -1.0, float("inf"), float("nan"), 1e-300, 1e300, 10**400])
def test_numbers_that_overflow_on_their_way_are_in_no_range(value: Any) -> None:
    with pytest.raises(UsageError, match="^fps must be a number of frames per second from 0.001 to 1,000,000 but is "):
        FPS.check("fps", value)


def test_what_is_within_is_given_back() -> None:
    assert THREADS.check("threads", 256) == 256
    assert FPS.check("fps", 30) == 30
    assert SHARE.check("tau", 0.5) == 0.5
    with pytest.raises(UsageError, match="tau must be a number above 0 and below 1 but is 1.0"):
        SHARE.check("tau", 1.0)
