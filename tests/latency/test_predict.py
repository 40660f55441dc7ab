"""Predictions against sums done by hand on the toy profile."""

import dataclasses
from typing import Any

import pytest

from compress.core import BypassSpec, ExitSpec, HeadSpec, LatencyConstraint, StageSpec, TrackerSpec
from compress.latency import (
    BlockCost,
    Family,
    MeasuredLatency,
    Profile,
    UncoveredError,
    components_p10_ms,
    gate,
    network_p10_ms,
    p10_ms,
    predict,
)
from compress.testing.toy_profile import layer, toy_profile, tracker


def test_a_measured_block_costs_what_was_measured(profile: Profile) -> None:
    spec = tracker(layer(0), layer(1, 32))
    assert network_p10_ms(profile, spec) == 3 + 10 + 4
    assert p10_ms(profile, spec) == 17 + 1


@pytest.mark.parametrize(
    ("fields", "ms"),
    [
        ({"mlp_hidden": 80}, 7.0),  # halfway between 4 and 10
        ({"mlp_dims": 22}, 8.0),  # halfway between 7 and 9
        ({"mlp_hidden": 80, "mlp_dims": 22}, 6.0),  # the middle of 3, 5, 7 and 9
        ({"attn_dims": 20}, 9.0),  # a third of the way from 8 to 11
        ({"mlp_hidden": 32, "attn_dims": 16}, 2.0),  # 4, and what reduced attention saved: 8 - 10
        ({"mlp_hidden": 80, "mlp_dims": 22, "attn_dims": 28}, 7.0),
    ],
)
def test_between_corners(profile: Profile, fields: dict[str, int], ms: float) -> None:
    assert network_p10_ms(profile, tracker(layer(**fields))) == pytest.approx(3 + ms)


def test_reduction_is_not_interpolated_from_the_full_layer(profile: Profile) -> None:
    """The first dimension removed costs a gather: 11 ms at 28 of 32, although the full layer takes 10."""
    assert network_p10_ms(profile, tracker(layer(attn_dims=28))) > network_p10_ms(profile, tracker(layer()))


def test_split_trackers_have_their_own_fixed_cost(profile: Profile) -> None:
    assert network_p10_ms(profile, tracker(layer(attention="AI"))) == 2 + 6


def test_percentiles_follow_the_ratios_of_whole_trackers(profile: Profile) -> None:
    latency = predict(profile, tracker(layer()))  # low: 13 + 1 = 14
    assert (latency.mean_ms, latency.p50_ms, latency.p90_ms, latency.p99_ms) == (21.0, 17.5, 28.0, 42.0)
    assert latency.network_ms == 19.5
    assert latency.provenance == "predicted"
    assert (latency.device, latency.runs, latency.threads) == ("abacus", 50, 1)


def test_an_estimated_profile_predicts_estimates() -> None:
    assert predict(toy_profile(provenance="estimated"), tracker(layer())).provenance == "estimated"


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"mlp_hidden": 129}, "mlp_hidden 129 (measured from 32 to 128)"),
        ({"mlp_hidden": 31}, "mlp_hidden 31"),
        ({"attn_dims": 12}, "attn_dims 12 (measured from 16 to 28)"),
        ({"mlp_dims": 30}, "mlp_dims 30"),
        ({"attention": "asymmetric"}, "asymmetric trackers; asymmetric layers"),
        ({"attention": "AI", "mlp_dims": 16}, "AI layers with mlp_dims 16 (never measured)"),
    ],
)
def test_what_was_not_measured_is_refused(profile: Profile, fields: dict[str, Any], words: str) -> None:
    with pytest.raises(UncoveredError) as error:
        predict(profile, tracker(layer(**fields)))
    assert words in str(error.value)


def test_elimination_is_never_priced_as_a_full_layer(profile: Profile) -> None:
    plain = tracker(layer(0), layer(1, 32))
    predict(profile, plain)  # so that the layers' costs are remembered
    with pytest.raises(
        UncoveredError, match=r"candidate elimination; joint layers over search tokens 12 \(measured at 16"
    ):
        predict(profile, tracker(layer(0, keep=0.7), layer(1, 32)))


def test_tokens_leave_between_attention_and_mlp(eliminating: Profile) -> None:
    """Over 16 tokens the layer of 128 hidden units is 2 of attention and 8 of MLP, over 8 tokens 1 and 6."""
    spec = tracker(layer(0, keep=0.5), layer(1))
    assert network_p10_ms(eliminating, spec) == pytest.approx(3 + (2 + 6 + 0.25) + 7)


def test_between_numbers_of_tokens(eliminating: Profile) -> None:
    spec = tracker(layer(0, keep=0.75), layer(1))  # 12 tokens go on, halfway: 1.5 of attention, 7 of MLP
    assert network_p10_ms(eliminating, spec) == pytest.approx(3 + (2 + 7 + 0.25) + 8.5)


def test_fewer_tokens_than_measured_are_refused(eliminating: Profile) -> None:
    with pytest.raises(UncoveredError, match=r"joint layers over search tokens 4 \(measured from 8 to 16\)"):
        predict(eliminating, tracker(layer(0, keep=0.25)))


def test_reduced_attention_leaves_with_attention(eliminating: Profile) -> None:
    """8 of 10 ms at 16 dimensions: attention costs nothing more, the MLP as much as before."""
    spec = tracker(layer(0, keep=0.5, attn_dims=16))
    assert network_p10_ms(eliminating, spec) == pytest.approx(3 + (0 + 6 + 0.25))


def test_parts_add_up(profile: Profile) -> None:
    assert components_p10_ms(profile, tracker(layer(0), layer(1, 32))) == {
        "rest": 3.0,
        "layers.0": 10.0,
        "layers.1": 4.0,
    }


@pytest.mark.parametrize("changes", [{"bypass": BypassSpec(n_enf=1)}, {"exits": (ExitSpec(1), ExitSpec(2))}])
def test_routing_overhead_is_never_priced_at_nothing(profile: Profile, changes: dict[str, object]) -> None:
    with pytest.raises(UncoveredError, match="lacks what bypass and exits cost"):
        predict(profile, dataclasses.replace(tracker(layer(0), layer(1)), **changes))  # type: ignore[arg-type]


def test_every_stage_has_its_own_layers() -> None:
    """Rest 3, layers of stage 0 cost 10, of stage 1 6, of stage 2 7."""
    stages = tuple(StageSpec(16 * (i + 1), 2, 4, 4 * (i > 0), 32 * (i > 0)) for i in range(3))
    spec = TrackerSpec(
        dim=16,
        heads=2,
        layers=(layer(0), layer(1, stage=1), layer(2, stage=1)),
        backbone="levit",
        template_size=64,
        search_size=128,
        head=HeadSpec(kind="corner"),
        final_norm=False,
        stages=stages,
    )
    blocks = tuple(BlockCost("joint", 128, ms, stage=i) for i, ms in enumerate((10.0, 6.0, 7.0)))
    profile = toy_profile(family=Family.of(spec), blocks=blocks)
    assert network_p10_ms(profile, spec) == 3 + 10 + 6 + 6
    thin = dataclasses.replace(spec, layers=(layer(0), layer(1, 64, stage=2)))
    with pytest.raises(UncoveredError, match=r"joint layers in stage 2 with mlp_hidden 64 \(measured at 128 only\)"):
        predict(profile, thin)
    wider = dataclasses.replace(spec, stages=(*stages[:2], dataclasses.replace(stages[2], dim=64)))
    with pytest.raises(UncoveredError, match="stages "):
        predict(profile, wider)


def test_every_gap_is_named_once(profile: Profile) -> None:
    spec = tracker(layer(0, 500), layer(1, 500), layer(2, attn_dims=4))
    with pytest.raises(UncoveredError) as error:
        predict(profile, spec)
    assert str(error.value).count("mlp_hidden 500") == 1
    assert "attn_dims 4" in str(error.value)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"search_size": 128}, r"search_size 128 \(it has 64\)"),
        ({"online_templates": 2}, r"online_templates 2 \(it has 0\)"),
        (
            {"head": HeadSpec(kind="tokens", bins=8)},
            r"head tokens 256 8 False False \(it has centre .*extra_tokens 4 \(it has 0",
        ),
    ],
)
def test_another_family_is_refused(profile: Profile, changes: dict[str, object], words: str) -> None:
    with pytest.raises(UncoveredError, match=words):
        predict(profile, dataclasses.replace(tracker(layer()), **changes))  # type: ignore[arg-type]


def test_crop_factors_and_teacher_layers_do_not_matter(profile: Profile) -> None:
    spec = dataclasses.replace(tracker(layer(source=7)), search_factor=5.0)
    assert predict(profile, spec) == predict(profile, tracker(layer()))


def test_gate_says_why(profile: Profile) -> None:
    model, spec = MeasuredLatency(profile), tracker(layer())  # mean 21 ms
    assert gate(model, spec, LatencyConstraint(21.0)).passes
    check = gate(model, spec, LatencyConstraint(20.0))
    assert not check.passes
    assert check.reason == "predicted 21 ms, over the bound of 20 ms"
    tail = gate(model, spec, LatencyConstraint(42.0, at="p99"))
    assert tail.reason == "predicted 42 ms (p99), within the bound of 42 ms"
    assert gate(model, spec, LatencyConstraint(21.0, at="worst")).passes


def test_every_layer_is_priced_by_its_own_widths() -> None:
    """8 (attention of 16), 4 (32 hidden units), 3 (these reading 16), overhead 3, loop 1."""
    uneven = tracker(layer(0, attn_dims=16), layer(1, 32), layer(3, 32, mlp_dims=16))
    assert p10_ms(toy_profile(), uneven) == pytest.approx(8 + 4 + 3 + 3 + 1)
