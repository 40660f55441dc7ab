"""Recipes of pairs: the published figures, and that pairs of another recipe are known as others."""

from __future__ import annotations

import json
from dataclasses import asdict, fields, replace

import pytest

from compress.core import UsageError, describe, fingerprint
from compress.data.pairs import FRAME_SAMPLERS, PAIR_RECIPES, Jitter, PairRecipe, PairSizes

_CHANGED = {
    "sampler": "causal",
    "template_jitter": Jitter(1.0),
    "search_jitter": Jitter(3.0, 0.25),
    "label_centre": "pixel",
    "max_crop": 4.0,
    "reduced": True,
}
"""Another value for each figure that is no number; of numbers any other will do."""


@pytest.mark.parametrize(
    ("name", "centre", "scale", "templates", "least", "crop_flip"),
    [
        ("ostrack", 3.0, 0.25, 1, 5, 0.5),
        ("ostrack384", 4.5, 0.5, 1, 5, 0.5),
        ("litetrack", 3.0, 0.25, 1, 5, 0.0),
        ("mixformer", 4.5, 0.5, 2, 7, 0.5),
        ("hit", 3.5, 0.5, 1, 5, 0.5),
    ],
)
def test_published_figures(
    name: str, centre: float, scale: float, templates: int, least: int, crop_flip: float
) -> None:
    """As read from the published codes; a sequence needs more visible frames than twice the crops of a pair."""
    recipe = PAIR_RECIPES[name]
    assert (recipe.search_jitter, recipe.template_jitter) == (Jitter(centre, scale), Jitter())
    assert (recipe.templates, recipe.min_visible, recipe.crop_flip) == (templates, least, crop_flip)
    assert (recipe.sampler, recipe.max_gap, recipe.gap_growth, recipe.min_frames) == ("causal", 200, 5, 20)
    assert (recipe.grayscale, recipe.flip, recipe.brightness) == (0.05, 0.5, 0.2)
    assert recipe.min_visible == 2 * (templates + 1) + 1


def test_score_stage_draws_half_of_its_pairs_without_the_target() -> None:
    mixformer = PAIR_RECIPES["mixformer"]
    assert PAIR_RECIPES["mixformer-score"] == replace(mixformer, sampler="trident_pro", negatives=0.5)


def test_default_recipe_is_the_default() -> None:
    assert PairSizes.of(describe("ostrack-nano")).recipe == PAIR_RECIPES["default"] == PairRecipe()
    assert PairSizes.of(describe("ostrack256"), PAIR_RECIPES["ostrack"]).search_size == 256


@pytest.mark.parametrize("name", sorted(PAIR_RECIPES))
def test_recipes_go_to_other_processes_as_json(name: str) -> None:
    sizes = PairSizes(recipe=PAIR_RECIPES[name])
    assert PairSizes.from_dict(json.loads(json.dumps(asdict(sizes)))) == sizes
    assert sizes.recipe.sampler in FRAME_SAMPLERS


def test_every_figure_is_part_of_what_pairs_are_known_by() -> None:
    default = PairRecipe()
    numbers = {
        each.name: getattr(default, each.name) + (1 if isinstance(getattr(default, each.name), int) else 0.5)
        for each in fields(PairRecipe)
        if each.init and each.name not in _CHANGED
    }
    recipes = [replace(default, **{name: value}) for name, value in {**_CHANGED, **numbers}.items()]
    keys = {fingerprint(PairSizes(recipe=recipe)) for recipe in [default, *recipes]}
    assert len(keys) == len(recipes) + 1 == sum(each.init for each in fields(PairRecipe)) + 1
    later = PairRecipe()
    object.__setattr__(later, "version", default.version + 1)
    assert fingerprint(PairSizes(recipe=later)) not in keys
    assert list(recipes[0].figures()) == ["sampler"]


@pytest.mark.parametrize(
    "figures", [{"max_gap": 0}, {"grayscale": 1.1}, {"flip": -0.1}, {"templates": 0}, {"max_crop": -1.0}]
)
def test_figures_out_of_range_are_refused(figures: dict[str, float]) -> None:
    (name,) = figures
    with pytest.raises(UsageError, match=f"{name} of a recipe of pairs must be"):
        PairRecipe(**figures)
