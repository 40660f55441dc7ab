"""The row of pairs: whatever stretch is asked for, each pair is the one of its number."""

from __future__ import annotations

import numpy as np
import pytest

from compress.data import PairSizes, open_source
from compress.data.pair_row import GROUP, PairRow
from compress.data.worker import stream_row
from compress.testing.counted_source import CountedSource

SIZES = PairSizes(template_size=16, search_size=32)


@pytest.fixture(scope="module")
def whole() -> dict[str, np.ndarray]:
    return PairRow(open_source("generated"), 3, SIZES).pairs(0, 3 * GROUP).arrays()


@pytest.mark.parametrize(("begin", "end"), [(0, GROUP), (3, 5), (GROUP - 1, 2 * GROUP + 1)])
def test_any_stretch_is_a_part_of_the_row(whole: dict[str, np.ndarray], begin: int, end: int) -> None:
    found = PairRow(open_source("generated"), 3, SIZES).pairs(begin, end)
    assert len(found) == end - begin
    for name in ("template", "search", "boxes"):
        assert np.array_equal(getattr(found, name), whole[name][begin:end])


def test_scenes_rise_and_no_two_groups_share_one(whole: dict[str, np.ndarray]) -> None:
    scenes = whole["scenes"]
    assert (np.diff(scenes) >= 0).all()
    assert all(scenes[i * GROUP - 1] < scenes[i * GROUP] for i in (1, 2))


def test_batches_are_cut_out_of_it_whatever_their_size(whole: dict[str, np.ndarray]) -> None:
    """The second half of each batch of 6 from the second on: numbers 9 to 11, then 15 to 17."""
    source = CountedSource()
    stream = stream_row(source, 3, 6, slice(3, 6), workers=0, sizes=SIZES, start=1)
    for begin in (9, 15):
        assert np.array_equal(next(stream).search, whole["search"][begin : begin + 3])
    assert source.asked == [(3, 1, GROUP), (3, 2, GROUP)], "the group that both need is drawn once"
