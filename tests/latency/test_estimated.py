"""Estimates against sums done by hand, against the counts of `compress.core.cost`, and against themselves."""

import random
from dataclasses import replace

import pytest

from compress.core import BypassSpec, ExecutionPath, ExitSpec, HeadSpec, LayerSpec, TrackerSpec, UsageError, describe
from compress.core.cost import macs
from compress.latency.estimated import (
    EstimatedLatency,
    estimate_latency,
    estimate_range,
    estimated_names,
    load_estimated,
    optimistic_latency,
)
from compress.latency.estimated.profile import EstimatedProfile
from compress.latency.estimated.work import expected_work, frame_work, template_work
from compress.spaces import load_space
from compress.testing.toy_profile import toy_estimated_profile


def _tracker(*layers: LayerSpec, **changes: object) -> TrackerSpec:
    fields: dict[str, object] = {"dim": 64, "heads": 2, "template_size": 32, "search_size": 64}
    fields |= {"layers": layers or (LayerSpec(0, 64), LayerSpec(1, 64)), "head": HeadSpec(channels=16)}
    return TrackerSpec(**(fields | changes))  # type: ignore[arg-type]


def _students(count: int, seed: int = 0) -> list[TrackerSpec]:
    space, teacher, rng = load_space("full"), describe("ostrack256"), random.Random(seed)
    return [space.sample(teacher, rng) for _ in range(count)]


@pytest.fixture(params=["agx", "agx:pytorch", "orin-nx", "orin-nx:pytorch"])
def shipped(request: pytest.FixtureRequest) -> EstimatedProfile:
    return load_estimated(request.param)


def test_sum_by_hand() -> None:
    """Embedding 3 and 1, layers 17 and 17, norm 1, head 20: 59 launches of 0.1 ms; a call of 1 ms, a loop of 2 ms."""
    spec = _tracker()
    latency = estimate_latency(toy_estimated_profile(), spec)
    network = 59 * 0.1 + 3.0 * macs(spec).per_frame / 1e9 + 1
    assert latency.network_ms == pytest.approx(network)
    assert latency.mean_ms == pytest.approx(network + 2)


def test_an_estimate_says_that_nothing_was_timed() -> None:
    latency = estimate_latency(toy_estimated_profile(), _tracker())
    assert (latency.provenance, latency.runs, latency.warmup, latency.threads) == ("estimated", 0, 0, 0)
    assert latency.p50_ms == latency.p90_ms == latency.p99_ms == latency.mean_ms
    assert (latency.device, latency.runtime) == ("a guess", "onnxruntime fp32")


@pytest.mark.parametrize(
    ("layer", "launches"),
    [
        ({"attention": "FE"}, 17),
        ({"attention": "AI"}, 19),
        ({"attn_dims": 32}, 18),
        ({"attn_dims": 32, "mlp_dims": 48}, 19),
        ({"keep": 0.5}, 30),
    ],
)
def test_launches_of_a_layer(layer: dict[str, object], launches: int) -> None:
    last = (LayerSpec(9, 64, "AI"),) if layer.get("attention") == "FE" else ()
    one, two = (_tracker(*(LayerSpec(i, 64, **layer) for i in range(n)), *last) for n in (1, 2))  # type: ignore[arg-type]
    assert frame_work(two, "onnxruntime").launches - frame_work(one, "onnxruntime").launches == launches


def test_work_is_that_of_the_network_on_every_path() -> None:
    for spec in [*_students(60), *map(describe, ("ostrack384-ce", "mixformerv2-b", "hit-base", "abtrack-vit"))]:
        for exit in (None, *range(len(spec.exits))):
            for skipped in ((), tuple(spec.skippable), tuple(spec.skippable)[::2]):
                found = frame_work(spec, "pytorch", skipped=skipped, exit=exit).gmacs
                assert found == pytest.approx(macs(spec, skipped=skipped, exit=exit).per_frame / 1e9, rel=1e-9)


@pytest.mark.parametrize("name", ["ostrack256", "litetrack-b6", "mixformerv2-s", "hit-small"])
def test_template_work_is_the_rest_of_a_whole_forward(name: str) -> None:
    spec = describe(name)
    assert template_work(spec, "onnxruntime").gmacs == pytest.approx(macs(spec).template / 1e9)


def test_stages_are_handed_over() -> None:
    """Two decisions of 3 launches, and two gated layers behind the first stage: 2 boundaries of 8."""
    layers = tuple(LayerSpec(i, 64) for i in range(3))
    plain, bypassing = _tracker(*layers), _tracker(*layers, bypass=BypassSpec(n_enf=1))
    launches = [frame_work(spec, "onnxruntime").launches for spec in (plain, bypassing)]
    assert launches[1] - launches[0] == 2 * 3 + 2 * 8
    assert frame_work(bypassing, "onnxruntime", skipped=(1, 2)).launches == launches[0] - 2 * 17 + 2 * 3


def test_expected_lies_between_the_paths() -> None:
    spec = _tracker(*(LayerSpec(i, 64) for i in range(3)), bypass=BypassSpec(n_enf=1, tau0=0.25))
    span = estimate_range(toy_estimated_profile(), spec)
    assert span.optimistic.mean_ms == pytest.approx(0.75 * span.worst.mean_ms + 0.25 * span.cheapest.mean_ms)
    assert span.cheapest == estimate_latency(toy_estimated_profile(), spec, skipped=(1, 2))
    assert optimistic_latency(toy_estimated_profile(), spec) == span.optimistic


def test_exits_by_their_shares() -> None:
    exits = (ExitSpec(1), ExitSpec(2, adapter=1), ExitSpec(3))
    spec = _tracker(*(LayerSpec(i, 64) for i in range(3)), exits=exits)
    ends = [estimate_latency(toy_estimated_profile(), spec, exit=k).mean_ms for k in range(3)]
    frames = {ExecutionPath(frozenset(), k): count for k, count in enumerate((5, 3, 2))}
    shared = EstimatedLatency(toy_estimated_profile()).predict(spec, frames).mean_ms
    assert shared == pytest.approx(0.5 * ends[0] + 0.3 * ends[1] + 0.2 * ends[2])
    assert estimate_range(toy_estimated_profile(), spec).optimistic.mean_ms == pytest.approx(ends[0])
    assert ends == sorted(ends)


@pytest.mark.parametrize("path", [{"skipped": (0,)}, {"exit": 0}, {"exit": -1}])
def test_paths_that_are_none(path: dict[str, object]) -> None:
    with pytest.raises(UsageError):
        estimate_latency(toy_estimated_profile(), _tracker(), **path)  # type: ignore[arg-type]


def test_elimination_is_cheaper_in_work_but_not_in_launches() -> None:
    plain, eliminating = (frame_work(describe(name), "onnxruntime") for name in ("ostrack256", "ostrack256-ce"))
    assert eliminating.gmacs < plain.gmacs
    assert eliminating.launches > plain.launches


def test_a_share_of_nothing_is_nothing() -> None:
    spec = describe("ostrack256")
    assert expected_work(spec, "onnxruntime", skipped_share=0.5) == frame_work(spec, "onnxruntime")


def test_bounds_are_in_order_for_every_student(shipped: EstimatedProfile) -> None:
    for spec in _students(300, seed=1):
        span = estimate_range(shipped, spec)
        assert 0 < span.cheapest.mean_ms <= span.optimistic.mean_ms + 1e-9
        assert span.optimistic.mean_ms <= span.worst.mean_ms + 1e-9
        assert spec.adaptive or span.cheapest == span.worst
        assert span.worst.network_ms < span.worst.mean_ms


def test_less_network_takes_less_time(shipped: EstimatedProfile) -> None:
    for spec in _students(200, seed=2):
        # Without a first layer that eliminates, the others see more tokens.
        if spec.adaptive or len(spec.layers) < 3 or spec.layers[0].keep:
            continue
        thin = tuple(replace(layer, mlp_hidden=max(1, layer.mlp_hidden // 2)) for layer in spec.layers)
        whole = estimate_latency(shipped, spec).mean_ms
        assert estimate_latency(shipped, replace(spec, layers=thin)).mean_ms < whole
        assert estimate_latency(shipped, replace(spec, layers=spec.layers[1:])).mean_ms < whole


def test_lookup_keeps_families_apart() -> None:
    """Trackers that share layers but not crops or heads cost what they cost, in whichever order they are asked for."""
    specs = [_tracker(), _tracker(search_size=128), _tracker(head=HeadSpec(channels=32)), _tracker(template_size=64)]
    once = [estimate_latency(toy_estimated_profile(), spec).mean_ms for spec in specs]
    assert len(set(once)) == len(specs)
    assert [estimate_latency(toy_estimated_profile(), spec).mean_ms for spec in reversed(specs)] == once[::-1]


def test_what_lies_beyond_the_figures() -> None:
    agx = EstimatedLatency(load_estimated("agx"))
    assert agx.covers(describe("hit-base"))
    assert not agx.covers(describe("ostrack256"))  # more work than with elimination, which was fitted
    assert agx.covers(describe("abtrack-deit"))  # between HiT's widths, and its amounts of work
    assert not agx.covers(describe("ostrack-nano"))  # less work than any
    assert not EstimatedLatency(load_estimated("orin-nx")).covers(describe("hit-base"))  # 768-wide trackers were fitted


def test_shipped_targets_and_their_longer_names() -> None:
    assert estimated_names() == ["agx", "agx:pytorch", "orin-nx", "orin-nx:pytorch"]
    assert load_estimated("agx:onnxruntime") == load_estimated("agx") == load_estimated("agx:onnxruntime-fp32")
    assert load_estimated("agx:pytorch-fp32").runtime == "pytorch"
    assert load_estimated("orin-nx").precision == "fp16"


def test_targets_without_figures() -> None:
    with pytest.raises(UsageError, match="Nobody has published"):
        load_estimated("agx:tensorrt-fp16")
    with pytest.raises(UsageError, match="Did you mean agx"):
        load_estimated("agxx")
