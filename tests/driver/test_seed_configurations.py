"""What a search starts from."""

from __future__ import annotations

from itertools import combinations

import pytest

from compress.core import describe
from compress.driver.seed_configurations import seed_configurations
from compress.spaces import load_space

NANO = describe("ostrack-nano")


def test_a_space_with_everything_starts_with_all_kinds() -> None:
    found = list(seed_configurations(load_space("full"), NANO))
    static, dynamic, pairs = [found[0], *found[6:9]], found[1:6], found[9:]
    assert [(a["mlp_ratio"], a["interaction"]) for a in static] == [(4, "joint"), (4, "1/4"), (3, "joint"), (3, "1/4")]
    assert all(a["bypass"] == a["exits"] == a["keep_ratio"] == "never" and a["dr_ratio"] == 0 for a in static)
    assert dynamic == [
        static[0] | {"bypass": "learned", "tau0": 0.4, "n_enf": 2},
        static[0] | {"exits": "1/2", "adapters": 1},
        static[0] | {"keep_ratio": 0.7, "keep_after": "1/4 1/2 3/4", "keep_by": "attention"},
        static[0] | {"precision": "int8"},
        static[0] | {"search_size": "3/4", "template_size": "3/4"},
    ]
    assert all(a["precision"] == "fp32" for a in static)
    fewer, int8, smaller, thinner = *dynamic[2:], static[0] | {"mlp_ratio": 3}
    changes = [{k: v for k, v in each.items() if static[0].get(k) != v} for each in (fewer, int8, smaller, thinner)]
    assert pairs == [static[0] | a | b for a, b in combinations(changes, 2)]


def test_seeds_take_the_choice_that_gives_an_eliminating_teacher_itself() -> None:
    """Which calls its places `teacher`, and they are offered as shares."""
    found = list(seed_configurations(load_space("tokens"), describe("ostrack256-ce")))
    assert [a["keep_after"] for a in found if "keep_after" in a] == ["1/4 1/2 3/4"]


@pytest.mark.parametrize(("space", "teacher"), [("ostrack", "ostrack-nano"), ("full", "hit-tiny")])
def test_other_spaces_start_static(space: str, teacher: str) -> None:
    found = list(seed_configurations(load_space(space), describe(teacher)))
    assert found
    assert all(a.get("bypass", "never") == a.get("exits", "never") == "never" for a in found)


@pytest.mark.parametrize("name", ["full", "abtrack", "dytrack", "ostrack"])
def test_anchors_are_trackers_of_their_space(name: str) -> None:
    space = load_space(name)
    choices = space.choices(NANO)
    for anchor in seed_configurations(space, NANO):
        assert all(value in choices[knob] for knob, value in anchor.items())
        spec = space.spec(NANO, lambda knob, values, a=anchor: a.get(knob, values[-1]))  # type: ignore[misc]
        assert spec.adaptive == (anchor.get("bypass", "never") != "never" or anchor.get("exits", "never") != "never")
