"""Frames of a pair: which ones each sampler may draw, and that it draws all of these."""

from __future__ import annotations

import numpy as np
import pytest

from compress.core import UsageError
from compress.data.pairs import FRAME_SAMPLERS, DrawnFrames, PairRecipe


def _shown(text: str) -> np.ndarray:
    """Frames as drawn: `#` shows the target, `.` does not."""
    return np.array([letter == "#" for letter in text])


def _drawn(text: str, recipe: PairRecipe, count: int = 400) -> set[DrawnFrames | None]:
    rng = np.random.default_rng(0)
    return {FRAME_SAMPLERS[recipe.sampler](rng, _shown(text), recipe) for _ in range(count)}


def _pairs(text: str, recipe: PairRecipe) -> set[tuple[int, int] | None]:
    return {each and (each.templates[0], each.search) for each in _drawn(text, recipe)}


def test_causal_search_comes_after_the_template() -> None:
    """Less than the gap away. After 3 there is none, so that the gap grows, to 9 or to 6, until 8 is within."""
    near = {(0, 2), (0, 3), (2, 3), (3, 8)}
    assert _pairs("#.##....#", PairRecipe("causal", max_gap=4)) == near | {(0, 8), (2, 8)}
    assert _pairs("#.##....#", PairRecipe("causal", max_gap=4, gap_growth=1)) == near


def test_causal_gap_grows_until_there_is_a_frame() -> None:
    far = "#" + 330 * "." + "#"
    assert _pairs(far, PairRecipe("causal", max_gap=200)) == {(0, 331)}
    assert _pairs("....#", PairRecipe("causal", max_gap=200)) == {None}
    assert _pairs("#....", PairRecipe("causal", max_gap=200)) == {None}


def test_causal_second_template_is_an_earlier_one() -> None:
    drawn = _drawn("##.###", PairRecipe("causal", max_gap=3, templates=2))
    assert {each.templates for each in drawn} == {(1, 0), (3, 0), (3, 1), (4, 1), (4, 3)}
    assert {(each.templates[0], each.search) for each in drawn} == {(1, 3), (3, 4), (3, 5), (4, 5)}


def test_trident_renews_the_template_near_the_search_frame_on_the_templates_side() -> None:
    drawn = _drawn("###..##.###", PairRecipe("trident", max_gap=3, templates=2))
    assert {each.templates[0] for each in drawn} == {each.search for each in drawn} == {0, 1, 2, 5, 6, 8, 9, 10}
    for (first, renewed), search in drawn:
        assert search <= renewed < search + 3 if first >= search else search - 3 <= renewed < search


def test_only_trident_pro_renews_a_template_with_a_frame_without_target() -> None:
    text = "##..##"
    renewed = {
        name: {each.templates[1] for each in _drawn(text, PairRecipe(name, max_gap=3, templates=2))}
        for name in ("trident", "trident_pro")
    }
    assert renewed == {"trident": {0, 1, 4, 5}, "trident_pro": {0, 1, 2, 3, 4, 5}}


def test_nearby_frames_are_up_to_a_hundred_apart() -> None:
    """Distant views of a target are what a tracker has to bridge; those further apart may be other scenes."""
    gaps = np.abs([search - first for first, search in _pairs("#" * 600, PairRecipe())])
    assert gaps.min() >= 1
    assert 90 < gaps.max() <= 100
    assert 40 < gaps.mean() < 60
    assert _pairs("#" + 300 * "." + "#", PairRecipe()) == {(0, 301), (301, 0)}


@pytest.mark.parametrize("name", sorted(FRAME_SAMPLERS))
def test_every_sampler_draws_frames_that_show_the_target(name: str) -> None:
    shown = _shown("#.##..####.###.##" * 20)
    for templates in (1, 3):
        for each in _drawn("#.##..####.###.##" * 20, PairRecipe(name, templates=templates), count=50):
            assert each is not None
            assert len(each.templates) == templates
            assert shown[each.templates[0]]
            assert shown[each.search]
    assert _drawn("....", PairRecipe(name), count=1) == {None}


def test_unknown_samplers_are_refused() -> None:
    with pytest.raises(UsageError, match="causal"):
        FRAME_SAMPLERS["casual"]
