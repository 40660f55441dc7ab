"""The timing loop, on calls that only count and on times made up."""

import gc
from typing import Any

import numpy as np
import pytest

from compress.measure.timing import disagreement, low, settled_rounds, time_rounds


def test_every_call_is_visited_in_every_round() -> None:
    visits: list[str] = []
    calls = [lambda: visits.append("a"), lambda: visits.append("b"), lambda: visits.append("c")]
    times = time_rounds(calls, rounds=4, dropped=2, timed=3)
    assert times.shape == (3, 4, 3)
    assert (times > 0).all()
    blocks = [visits[i : i + 5] for i in range(0, len(visits), 5)]
    assert all(len(set(block)) == 1 for block in blocks)  # a visit is 2 dropped and 3 timed runs of one call
    rounds = [[block[0] for block in blocks[i : i + 3]] for i in range(0, 12, 3)]
    assert all(sorted(order) == ["a", "b", "c"] for order in rounds)
    assert len({tuple(order) for order in rounds}) > 1  # shuffled


def test_the_collector_is_off_while_timing_and_back_on_after() -> None:
    seen: list[bool] = []
    time_rounds([lambda: seen.append(gc.isenabled())], rounds=1)
    assert not any(seen)
    assert gc.isenabled()


def test_the_collector_is_back_on_after_an_error() -> None:
    with pytest.raises(ZeroDivisionError):
        time_rounds([lambda: 1 / 0], rounds=1)
    assert gc.isenabled()


def test_low_is_the_tenth_percentile() -> None:
    times = np.arange(101.0).reshape(1, 101, 1)
    assert low(times) == [10.0]


def test_disagreement_of_even_and_odd_rounds() -> None:
    times = np.ones((2, 6, 5))
    times[1, ::2] = 1.2
    assert disagreement(times) == pytest.approx([0.0, 0.2])
    assert disagreement(times[:, :1]) == pytest.approx([0.0, 0.0])


def test_a_noisy_machine_is_not_measured_for_ever(clock: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("compress.measure.timing.AGAIN_WITHIN_S", -1.0)
    count = iter(range(10**6))
    assert settled_rounds([lambda: clock.pass_ms(1 + 9 * ((next(count) // 8) % 2))], rounds=4).shape[1] == 4


def test_a_noisy_machine_is_measured_again(clock: Any) -> None:
    """A call that is slow in every other round disagrees with itself; a steady one does not."""
    count = iter(range(10**6))

    def uneven() -> None:
        clock.pass_ms(10 if (next(count) // 8) % 2 else 1)

    assert settled_rounds([uneven], rounds=4, attempts=3).shape[1] == 12
