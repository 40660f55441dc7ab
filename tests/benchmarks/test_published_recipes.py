"""Published recipes on the default teacher: valid trackers, as fast as asked, with the papers' figures."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

from compress.core import LatencyConstraint, TrackerSpec, describe
from compress.core.cost import macs
from compress.latency import MeasuredLatency, gate
from compress.measure import Coverage
from compress.models import build
from compress.spaces import load_space
from compress.testing.recorded_profile import recorded_profile

NANO = describe("ostrack-nano")


@pytest.fixture(scope="module")
def specs() -> Iterator[ModuleType]:
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(Path(__file__).parents[2] / "benchmarks"))
        import published_recipe_specs

        yield published_recipe_specs
    sys.modules.pop("published_recipe_specs", None)


@pytest.fixture(scope="module")
def model() -> MeasuredLatency:
    return MeasuredLatency(recorded_profile(NANO, Coverage.of_space(NANO, load_space("full"))))


@pytest.mark.parametrize("bound", [2.0, 4.0])
def test_each_recipe_gives_the_largest_student_within_a_bound(
    specs: ModuleType, model: MeasuredLatency, bound: float
) -> None:
    constraint = LatencyConstraint.of(speedup=bound, teacher=model.predict(NANO))

    def passes(spec: TrackerSpec) -> bool:
        if spec.backbone == "levit":  # no profile of the teacher covers it
            return macs(spec).per_frame * bound <= macs(NANO).per_frame
        return gate(model, spec, constraint).passes

    for recipe in specs.RECIPES:
        found = specs.largest_within(recipe, NANO, passes)
        assert found is not None, recipe.name
        assert passes(found)
        build(found)
        size = next(size for size in recipe.sizes if recipe.make(NANO, size) == found)
        larger = [each for each in recipe.sizes if each > size]
        assert not any(passes(recipe.make(NANO, each)) for each in larger), recipe.name


def test_the_papers_figures(specs: ModuleType) -> None:
    def kinds(depth: int) -> str:
        return "".join(layer.attention[0] for layer in specs.litetrack(NANO, depth).layers)

    assert [kinds(depth) for depth in (9, 8, 6, 4)] == ["FFFFFFAAA", "FFFFFAAA", "FFFAAA", "FFAA"]
    assert [layer.source for layer in specs.mixformerv2(NANO, 8).layers] == [1, 2, 4, 5, 7, 8, 10, 11]
    small = specs.mixformerv2(NANO, 4)
    assert [layer.source for layer in small.layers] == [2, 5, 8, 11]
    assert {layer.mlp_hidden for layer in small.layers} == {NANO.dim}
    bypassed = specs.abtrack(NANO, 12)
    assert (bypassed.bypass.n_enf, bypassed.bypass.tau0) == (2, 0.4)
    assert {layer.mlp_dims for layer in bypassed.layers} == {92}  # 128 − floor(128 · 0.3 / 4) · 4
    exits = specs.dytrack(NANO, 12).exits
    assert [(each.after, each.adapter) for each in exits] == [(2, 2), (6, 1), (12, 0)]
    assert [layer.source for layer in specs.compresstracker(NANO, 4).layers] == [0, 3, 6, 9]
    assert [layer.stage for layer in specs.hit(NANO, 4).layers] == [0, 0, 1, 1, 1, 2, 2, 2, 2]
