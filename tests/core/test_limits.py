"""Specs larger than any tracker are refused by the field's name, and without building anything."""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable
from typing import Any

import pytest

from compress.core import TRACKERS, BypassSpec, LayerSpec, TrackerFields, TrackerSpec, UsageError, describe
from compress.core.cost import macs, parameters
from compress.core.limits import size_problems

HUGE = 2**62

ABSURD: dict[str, Callable[[dict[str, Any]], object]] = {
    "dim must be at most 4096": lambda s: s.update(dim=HUGE, heads=1),
    "heads must be at most 128": lambda s: s.update(heads=HUGE),
    "patch must be at most 64": lambda s: s.update(patch=HUGE),
    "template_size must be at most 1024": lambda s: s.update(template_size=HUGE),
    "search_size must be at most 1024": lambda s: s.update(search_size=HUGE),
    "head.channels must be at most 2048": lambda s: s["head"].update(channels=HUGE),
    "head.bins must be at most 4096": lambda s: s["head"].update(kind="tokens", bins=HUGE),
    "layers[1].source must be at most 4096": lambda s: s["layers"][1].update(source=HUGE),
    "layers[0].mlp_hidden must be at most 16384": lambda s: s["layers"][0].update(mlp_hidden=HUGE),
    "layers must be at most 128 but are 20000": lambda s: s.update(layers=_layers(20_000)),
    "exits must be at most 128 but are 20000": lambda s: s.update(exits=[{"after": i} for i in range(20_000)]),
    "stages must be at most 8 but are 9": lambda s: s.update(stages=[{"dim": 8, "heads": 1, "key_dim": 8}] * 9),
    "stages[0].dim must be": lambda s: s.update(stages=[{"dim": HUGE, "heads": 1, "key_dim": 8}]),
    "stages[0].key_dim must be": lambda s: s.update(stages=[{"dim": 8, "heads": 1, "key_dim": HUGE}]),
    "stages[0].shrink_heads must be": lambda s: s["stages"][0].update(shrink_heads=HUGE),
    "stages[0].shrink_hidden must be": lambda s: s["stages"][0].update(shrink_hidden=HUGE),
    "tokens, more than 4096": lambda s: s.update(patch=1, search_size=1024),
    "search_size, template_size and patch give": lambda s: s.update(online_templates=HUGE),
    "attention weights, over 268435456": lambda s: s.update(dim=128, heads=128, search_size=896),
    "parameters, more than 500000000": lambda s: s.update(dim=4096, heads=64, layers=_layers(100)),
    "multiply-accumulates a frame": lambda s: s.update(dim=2048, heads=8, search_size=896, layers=_layers(14)),
}


def _layers(count: int) -> list[dict[str, Any]]:
    return [{"source": i, "mlp_hidden": 4096} for i in range(count)]


def _plain() -> dict[str, Any]:
    stages: list[dict[str, Any]] = [{"dim": 8, "heads": 1, "key_dim": 8}]
    return {**describe("ostrack-nano").to_dict(), "head": {"kind": "centre", "channels": 64}, "stages": stages}


@pytest.mark.parametrize("message", ABSURD)
def test_an_absurd_field_is_refused_by_name_and_costs_nothing(message: str) -> None:
    data = _plain()
    ABSURD[message](data)
    tracemalloc.start()
    with pytest.raises(UsageError) as refused:
        TrackerSpec.from_dict(data)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert message in str(refused.value)
    assert peak < 60_000_000


@pytest.mark.parametrize("name", TRACKERS)
def test_named_trackers_are_far_below_every_bound(name: str) -> None:
    spec = describe(name)
    fields = vars(spec) | {"dim": 2 * spec.dim, "heads": 2 * spec.heads, "search_size": 448}
    assert not list(size_problems(TrackerFields(**fields)))
    assert parameters(spec) < 150_000_000
    assert macs(spec).full < 10**11


def test_totals_are_those_of_the_cost_model_from_above() -> None:
    """Within a tenth, so that a bound means what it says; what the backbone does not hold is not foreseen."""
    from compress.core.limits import _weights

    for name in ("ostrack256", "mixvit-b", "litetrack-b9", "dytrack"):
        spec = describe(name)
        assert _weights(spec, spec.dim) == pytest.approx(parameters(spec), rel=0.1)


def test_the_largest_known_backbone_is_a_tracker() -> None:
    """ViT-L at twice its crop, with bypass, and a student as deep as the bound."""
    layers = tuple(LayerSpec(source=i, mlp_hidden=4096) for i in range(24))
    TrackerSpec(dim=1024, heads=16, layers=layers, template_size=192, search_size=384, bypass=BypassSpec())
    TrackerSpec(dim=64, heads=4, layers=tuple(LayerSpec(source=i, mlp_hidden=64) for i in range(128)))
