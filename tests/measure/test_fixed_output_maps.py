"""Maps that keep the box where it is, decoded by the frame loop's own code."""

import dataclasses

import pytest

from compress.core import TrackerSpec, describe
from compress.geometry import LoopSettings, decode, hann_window
from compress.measure.fixed_output_maps import fixed_output_maps


@pytest.mark.parametrize("name", ["ostrack256", "hit-base", "mixvit-b", "mixformerv2-b", "mixformerv2-b-student"])
def test_the_target_stays_where_it_is(name: str) -> None:
    spec = describe(name)
    maps = fixed_output_maps(spec.maps, LoopSettings.of(spec))
    assert {key: value.shape for key, value in maps.items()} == {key: (1, *shape) for key, shape in spec.maps.items()}
    box, score = decode(maps, hann_window(spec.grid))
    side = 1 / spec.search_factor
    assert box.tolist() == pytest.approx([0.5, 0.5, side, side], abs=1e-6)
    assert 0 < score <= 1


def test_a_distribution_ends_at_its_last_coordinate(tiny: TrackerSpec) -> None:
    """The crop is as large as the box: its right side lies beyond the last of 8 coordinates, i / 8."""
    corner = dataclasses.replace(tiny.head, kind="corner")
    spec = dataclasses.replace(tiny, head=corner, search_factor=1.0, search_size=128)
    box, _ = decode(fixed_output_maps(spec.maps, LoopSettings.of(spec)), None)
    assert box.tolist() == pytest.approx([7 / 16, 7 / 16, 7 / 8, 7 / 8])
