"""Predictions against sums done by hand on the toy profile."""

import dataclasses

import pytest
from toy import layer, toy_profile, tracker

from compress.profiles import Profile, UncoveredError, gate, low_ms, network_low_ms, predict


def test_a_measured_block_costs_what_was_measured(profile: Profile) -> None:
    spec = tracker(layer(0), layer(1, 32))
    assert network_low_ms(profile, spec) == 2.0 * (3 + 10 + 4)
    assert low_ms(profile, spec) == 2.0 * 17 + 1


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
    assert network_low_ms(profile, tracker(layer(**fields))) == pytest.approx(2.0 * (3 + ms))


def test_reduction_is_not_interpolated_from_the_full_layer(profile: Profile) -> None:
    """The first dimension removed costs a gather: 11 ms at 28 of 32, although the full layer takes 10."""
    assert network_low_ms(profile, tracker(layer(attn_dims=28))) > network_low_ms(profile, tracker(layer()))


def test_split_trackers_have_their_own_fixed_cost(profile: Profile) -> None:
    assert network_low_ms(profile, tracker(layer(attention="AI"))) == 2.0 * (2 + 6)


def test_percentiles_follow_the_ratios_of_whole_trackers(profile: Profile) -> None:
    latency = predict(profile, tracker(layer()))  # low: 2 · 13 + 1 = 27
    assert (latency.mean_ms, latency.p50_ms, latency.p90_ms, latency.p99_ms) == (40.5, 33.75, 54.0, 81.0)
    assert latency.network_ms == 39.0
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
def test_what_was_not_measured_is_refused(profile: Profile, fields: dict[str, object], words: str) -> None:
    with pytest.raises(UncoveredError) as error:
        predict(profile, tracker(layer(**fields)))
    assert words in str(error.value)


def test_elimination_is_never_priced_as_a_full_layer(profile: Profile) -> None:
    plain = tracker(layer(0), layer(1, 32))
    predict(profile, plain)  # so that the layers' costs are remembered
    with pytest.raises(UncoveredError, match=r"candidate elimination \(layers\[0\].keep 0.7\)"):
        predict(profile, tracker(layer(0, keep=0.7), layer(1, 32)))


def test_every_gap_is_named_once(profile: Profile) -> None:
    spec = tracker(layer(0, 500), layer(1, 500), layer(2, attn_dims=4))
    with pytest.raises(UncoveredError) as error:
        predict(profile, spec)
    assert str(error.value).count("mlp_hidden 500") == 1
    assert "attn_dims 4" in str(error.value)


def test_another_family_is_refused(profile: Profile) -> None:
    spec = dataclasses.replace(tracker(layer()), search_size=128)
    with pytest.raises(UncoveredError, match=r"search_size 128 \(it has 64\)"):
        predict(profile, spec)


def test_crop_factors_and_teacher_layers_do_not_matter(profile: Profile) -> None:
    spec = dataclasses.replace(tracker(layer(source=7)), search_factor=5.0)
    assert predict(profile, spec) == predict(profile, tracker(layer()))


def test_gate_says_why(profile: Profile) -> None:
    spec = tracker(layer())  # mean 40.5 ms
    assert gate(profile, spec, 40.5).passes
    verdict = gate(profile, spec, 40.0)
    assert not verdict.passes
    assert verdict.reason == "predicted 40.5 ms, over the bound of 40 ms"
