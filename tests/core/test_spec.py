"""`TrackerSpec`: identity that outlives new knobs, JSON, and every way to be impossible."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from compress.core import (
    TRACKERS,
    BypassSpec,
    ExitSpec,
    HeadSpec,
    LayerSpec,
    StageSpec,
    TrackerSpec,
    UsageError,
    describe,
    kept_dims,
)

IDS = {
    "abtrack-avit": "tbe11b51d30",
    "abtrack-deit": "tbe11b51d30",
    "abtrack-vit": "tbe11b51d30",
    "dytrack": "t90f86b11ae",
    "hit-base": "tc013144739",
    "hit-small": "tbfa11a5131",
    "hit-tiny": "t9d0ebd964d",
    "litetrack-b4": "t50eee4e010",
    "litetrack-b6": "tb74704ff7c",
    "litetrack-b8": "t8edec28c52",
    "litetrack-b9": "t8f47346299",
    "mixformerv2-b": "t1275e1f702",
    "mixformerv2-b-student": "t71bd9901ac",
    "mixformerv2-depth12": "t6e2d88da0b",
    "mixformerv2-s": "tb66cf6bc32",
    "mixvit-b": "t92b412709b",
    "ostrack-nano": "t6ff7c8851d",
    "ostrack256": "t020f76dc9b",
    "ostrack256-ce": "tadfd0c6d35",
    "ostrack384-ce": "t30d5996a0b",
}
"""Written down on the day they were made. Runs are keyed by them, so a new knob may add ids but change none."""


SPLIT = (LayerSpec(0, 1, "FE"), LayerSpec(1, 1, "AI"))


def tiny(**changes: Any) -> TrackerSpec:
    values: dict[str, Any] = {"dim": 12, "heads": 3, "layers": (LayerSpec(0, 48), LayerSpec(1, 48))}
    return TrackerSpec(**(values | changes))


@pytest.mark.parametrize("name", IDS)
def test_ids_never_change(name: str) -> None:
    assert describe(name).id == IDS[name]


@pytest.mark.parametrize("name", TRACKERS.names())
def test_json_round_trip(name: str) -> None:
    spec = describe(name)
    again = TrackerSpec.from_dict(json.loads(spec.to_json()))
    assert again == spec
    assert hash(again) == hash(spec)
    assert again.id == spec.id
    assert again.weights_id[1:] == spec.id[1:]


def test_round_trip_with_every_field_off_its_default() -> None:
    layers = (LayerSpec(1, 5, "FE", attn_dims=6, mlp_dims=7), LayerSpec(4, 6, "AI", attn_dims=9))
    sizes = {"patch": 8, "template_size": 32, "search_size": 64, "template_factor": 1.5, "search_factor": 5.0}
    spec = tiny(layers=layers, head=HeadSpec(channels=16), final_norm=False, target_token=True, **sizes)
    assert TrackerSpec.from_dict(spec.to_dict()) == spec
    assert len(spec.to_dict()) == 11  # all but the backbone, of which there is one kind


def test_the_same_training_serves_every_threshold() -> None:
    spec = tiny(bypass=BypassSpec(n_enf=1), exits=(ExitSpec(1), ExitSpec(2)))
    other = replace(spec, bypass=BypassSpec(n_enf=1, rho=0.7), exits=(ExitSpec(1, tau=0.9), ExitSpec(2)))
    assert other.id != spec.id
    assert other.weights_id == spec.weights_id == "w" + spec.id[1:]
    assert replace(spec, bypass=BypassSpec(n_enf=1, tau0=0.5)).weights_id != spec.weights_id
    assert TrackerSpec.from_dict(other.to_dict()) == other


def _keeping(*shares: float | None, least: float | None = 0.3) -> TrackerSpec:
    layers = tuple(LayerSpec(i, 48, keep=share) for i, share in enumerate(shares))
    return tiny(layers=layers, keep_least=least)


def test_the_same_training_serves_every_share_of_kept_tokens() -> None:
    one, other = _keeping(0.7, None), _keeping(0.5, None)
    assert other == one.keeping(0.5)
    assert len({one.id, other.id}) == len({one.student_id, other.student_id}) == 2
    assert one.weights_id == other.weights_id
    for trained_otherwise in (_keeping(None, 0.7), _keeping(None, None), _keeping(0.7, None, least=0.2)):
        assert trained_otherwise.weights_id != one.weights_id
    alone = [_keeping(share, None, least=None) for share in (0.7, 0.5)]
    assert [each.weights_id[1:] for each in alone] == [each.id[1:] for each in alone]
    exits = tiny(exits=(ExitSpec(1, tau=0.9), ExitSpec(2)))
    assert exits.student_id == tiny(exits=(ExitSpec(1), ExitSpec(2))).student_id != tiny().student_id


@pytest.mark.parametrize(
    ("spec", "share", "message"),
    [
        (_keeping(0.7, None), 0.2, "must be from 0.3 to below 1 but is 0.2"),
        (_keeping(0.7, None), 1.0, "must be from 0.3 to below 1 but is 1.0"),
        (_keeping(0.7, None, least=None), 0.5, "cannot be chosen: its weights were trained for its own shares alone"),
        (tiny(), 0.5, "cannot be chosen: no layer eliminates any"),
    ],
)
def test_shares_that_cannot_be_chosen(spec: TrackerSpec, share: float, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        spec.keeping(share)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"backbone": "vit"}, "stages belong to the backbone levit"),
        ({"dim": 64}, "dim and heads must be the first stage's, 128 and 4"),
        ({"search_size": 288}, "crops that are multiples of 64"),
        ({"online_templates": 1}, "no final_norm, target_token, online templates"),
        ({"head": HeadSpec()}, "a levit has a plain corner head"),
        ({"keep_template": 0.5}, "a levit keeps all of its template"),
        ({"layers": (LayerSpec(0, 8, stage=1), LayerSpec(1, 8))}, "stage by stage, 0 to 2"),
        ({"layers": (LayerSpec(0, 8, attn_dims=64),)}, "without attn_dims"),
        ({"stages": (StageSpec(128, 4, 16, 2, 2), *describe("hit-tiny").stages[1:])}, "but 0 in the first stage"),
    ],
)
def test_impossible_levits(change: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        replace(describe("hit-tiny"), **change)


def test_elimination_shrinks_what_later_layers_see() -> None:
    assert describe("ostrack256-ce").search_tokens_after == (256,) * 3 + (180,) * 3 + (126,) * 3 + (89,) * 3
    assert describe("ostrack384-ce").search_tokens_after == (576,) * 3 + (404,) * 3 + (283,) * 3 + (199,) * 3
    assert describe("ostrack256").search_tokens_after == (256,) * 12
    spec = tiny(layers=(LayerSpec(0, 48, keep=0.001), LayerSpec(1, 48, keep=0.5)))
    assert spec.search_tokens_after == (1, 1)  # rounded up, so never none
    assert TrackerSpec.from_dict(spec.to_dict()) == spec


def test_defaults_are_left_out() -> None:
    assert tiny().to_dict() == {
        "dim": 12,
        "heads": 3,
        "layers": [{"source": 0, "mlp_hidden": 48}, {"source": 1, "mlp_hidden": 48}],
    }


def test_different_trackers_have_different_ids() -> None:
    layer = LayerSpec(1, 48)
    others = [
        tiny(),
        tiny(heads=4),
        tiny(final_norm=False),
        tiny(head=HeadSpec(channels=64)),
        tiny(layers=(LayerSpec(0, 48),)),
        tiny(layers=(LayerSpec(0, 48), replace(layer, source=2))),
        tiny(layers=(LayerSpec(0, 48), replace(layer, attn_dims=9))),
        tiny(layers=(LayerSpec(0, 48), replace(layer, mlp_dims=9))),
        tiny(layers=(LayerSpec(0, 48), replace(layer, keep=0.7))),
        tiny(layers=(LayerSpec(0, 48, "FE"), replace(layer, attention="AI"))),
        tiny(layers=(LayerSpec(0, 48, "AI"), replace(layer, attention="AI"))),
    ]
    assert len({spec.id for spec in others}) == len(others)


def test_sizes_of_a_spec() -> None:
    spec = describe("litetrack-b9")
    assert (spec.grid, spec.search_tokens, spec.template_tokens) == (16, 256, 65)
    assert (spec.attention, spec.count("FE"), spec.count("AI")) == ("split", 6, 3)
    assert describe("ostrack256").attention == "joint"


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"dim": 0}, "dim must be a positive integer but is 0"),
        ({"heads": -1}, "heads must be a positive integer"),
        ({"heads": 5}, "dim 12 is not a multiple of heads 5"),
        ({"patch": 1.5}, "patch must be a positive integer"),
        ({"template_size": 120}, "template_size 120 is not a multiple of patch 16"),
        ({"search_size": 250}, "search_size 250 is not a multiple of patch 16"),
        ({"template_factor": 0.5}, "template_factor must be in"),
        ({"search_factor": float("nan")}, "search_factor must be in"),
        ({"head": HeadSpec(channels=12)}, "head.channels must be a positive multiple of 8"),
        ({"layers": ()}, "at least one layer"),
        ({"layers": (LayerSpec(-1, 48),)}, r"layers\[0\].source must be ≥ 0"),
        ({"layers": (LayerSpec(2, 48), LayerSpec(2, 48))}, r"layers\[1\].source 2 does not come after 2"),
        ({"layers": (LayerSpec(0, 0),)}, r"layers\[0\].mlp_hidden must be ≥ 1"),
        ({"layers": (LayerSpec(0, 1, attn_dims=12),)}, "attn_dims must be a multiple of heads below dim 12"),
        ({"layers": (LayerSpec(0, 1, attn_dims=7),)}, "attn_dims must be a multiple of heads"),
        ({"layers": (LayerSpec(0, 1, mlp_dims=12),)}, r"mlp_dims must be in \[1, dim − 1\]"),
        ({"layers": (LayerSpec(0, 1, mlp_dims=0),)}, "mlp_dims must be in"),
        ({"layers": (LayerSpec(0, 1, keep=0.0),)}, r"layers\[0\].keep must be above 0 and below 1 but is 0.0"),
        ({"layers": (LayerSpec(0, 1, keep=1.0),)}, "keep must be above 0 and below 1"),
        ({"layers": (LayerSpec(0, 1, keep=float("nan")),)}, "keep must be above 0 and below 1"),
        ({"keep_least": 0.0}, "keep_least must be above 0 and below 1 but is 0.0"),
        ({"keep_template": 1.0}, "keep_template must be above 0 and below 1 but is 1.0"),
        ({"keep_template": float("nan")}, "keep_template must be above 0 and below 1 but is nan"),
        ({"keep_least": float("nan")}, "keep_least must be above 0 and below 1 but is nan"),
        (
            {"keep_least": 0.5, "layers": (LayerSpec(0, 1, keep=0.4),)},
            r"layers\[0\].keep must be at least keep_least, 0.5",
        ),
        ({"layers": (LayerSpec(0, 1, "asymmetric", keep=0.5),)}, "keep needs joint attention.* asymmetric"),
        ({"layers": (LayerSpec(0, 1, "AI", keep=0.5),)}, "keep needs joint attention, but the layer's is AI"),
        ({"layers": (LayerSpec(0, 1, "FE"),)}, "followed by at least one AI"),
        (
            {"layers": (LayerSpec(0, 1, "FE"), LayerSpec(1, 1, "AI")), "exits": (ExitSpec(1), ExitSpec(2))},
            "above 1, the FE",
        ),
        ({"exits": (ExitSpec(1),)}, "exits must end behind the last layer, 2, but end after 1"),
        ({"exits": (ExitSpec(2), ExitSpec(2))}, r"exits\[1\].after must be above 2, the exit before it, but is 2"),
        ({"exits": (ExitSpec(0), ExitSpec(2))}, r"exits\[0\].after must be in \[1, 2\]"),
        ({"exits": (ExitSpec(3),)}, r"exits\[0\].after must be in \[1, 2\], within the depth 2, but is 3"),
        ({"exits": (ExitSpec(1, tau=1.5), ExitSpec(2))}, r"exits\[0\].tau must be in \[0, 1\] but is 1.5"),
        ({"exits": (ExitSpec(1, tau=float("nan")), ExitSpec(2))}, r"exits\[0\].tau must be in"),
        ({"exits": (ExitSpec(1, adapter=13), ExitSpec(2))}, r"exits\[0\].adapter must be in \[0, 12\]"),
        ({"exits": (ExitSpec(1), ExitSpec(2, tau=0.7))}, "last exit is always taken"),
        ({"exits": (ExitSpec(2),), "head": HeadSpec(kind="tokens", bins=8)}, "exits need a centre or corner head"),
        ({"bypass": BypassSpec(n_enf=2)}, r"bypass.n_enf must be in \[0, 1\], below the depth 2, but is 2"),
        ({"bypass": BypassSpec(n_enf=0, tau0=1.1)}, r"bypass.tau0 must be in \[0, 1\] but is 1.1"),
        ({"bypass": BypassSpec(n_enf=0, rho=-0.1)}, r"bypass.rho must be in \[0, 1\]"),
        ({"bypass": BypassSpec(n_enf=0, zeta=2.0)}, "bypass.zeta must be in"),
        ({"layers": (LayerSpec(0, 1, keep=0.5),), "bypass": BypassSpec(n_enf=0)}, "keep goes with neither"),
        ({"head": HeadSpec(kind="tokens")}, "head.bins must be ≥ 2 for a tokens head"),
        ({"head": HeadSpec(bins=8)}, "and 0 for others but is 8 for a centre head"),
        ({"head": HeadSpec(score=True)}, "head.score needs a tokens head"),
        ({"head": HeadSpec(reparam=True)}, "head.reparam needs a corner head"),
        ({"online_templates": -1}, "online_templates must be in"),
        ({"position": "sincos", "dim": 6}, "position sincos needs a dim that is a multiple of 4"),
        ({"stages": (StageSpec(12, 3, 4),)}, "stages belong to the backbone levit"),
        ({"backbone": "levit"}, "stages must be 3"),
        ({"layers": (LayerSpec(0, 1, "AI"), LayerSpec(1, 1, "FE"))}, "FE…FE followed by"),
        ({"layers": (LayerSpec(0, 1), LayerSpec(1, 1, "AI"))}, "all joint"),
        ({"layers": (LayerSpec(0, 1, "asymmetric"), LayerSpec(1, 1))}, "all asymmetric"),
    ],
)
def test_impossible_trackers(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        tiny(**changes)


def test_every_problem_is_told_at_once() -> None:
    with pytest.raises(UsageError) as caught:
        tiny(heads=5, search_size=250, layers=(LayerSpec(0, 0),))
    assert all(word in str(caught.value) for word in ("heads 5", "search_size 250", "mlp_hidden"))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"dim": "12"}, "spec.dim must be an integer but is '12'"),
        ({"dim": True}, "spec.dim must be an integer but is True"),
        ({"final_norm": 1}, "spec.final_norm must be true or false"),
        ({"layers": 3}, "spec.layers must be a list"),
        ({"keep_by": "luck"}, "spec.keep_by must be one of attention, motion"),
        ({"layers": [3]}, r"spec.layers\[0\] must be an object"),
        ({"layers": [{"source": 0}]}, r"spec.layers\[0\].mlp_hidden is missing"),
        ({"layers": [{"source": 0, "mlp_hidden": 4, "attention": ["FE"]}]}, "attention must be one of joint"),
        ({"backbone": "resnet"}, "Unknown backbone 'resnet'. Known: levit, vit"),
        ({"backbone": "vti"}, "Unknown backbone 'vti'. Did you mean vit or levit"),
        ({"backbone": 3}, "spec.backbone must be a text"),
        ({"head": {"channel": 8}}, "spec.head.channel is not a known field"),
        ({"depth": 3}, "spec.depth is not a known field"),
    ],
)
def test_wrong_json(change: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        TrackerSpec.from_dict(tiny().to_dict() | change)


def test_json_that_is_no_object() -> None:
    with pytest.raises(UsageError, match="spec must be an object but is a list"):
        TrackerSpec.from_dict([])  # type: ignore[arg-type]


def test_whole_numbers_serve_as_floats() -> None:
    assert TrackerSpec.from_dict(tiny().to_dict() | {"search_factor": 4}) == tiny()


@pytest.mark.parametrize(
    ("dim", "heads", "ratio", "kept"),
    [(192, 3, 0.3, 135), (768, 12, 0.0, 768), (768, 12, 0.5, 384), (192, 3, 0.3125, 132), (12, 3, 0.2, 12)],
)
def test_kept_dims(dim: int, heads: int, ratio: float, kept: int) -> None:
    """135 of 192 at μ = 0.3 is ABTrack's Table 3; the others by hand: d − floor(d·μ/heads)·heads."""
    assert kept_dims(dim, heads, ratio) == kept


@pytest.mark.parametrize("ratio", [-0.1, 1.0, float("nan")])
def test_kept_dims_outside(ratio: float) -> None:
    with pytest.raises(UsageError, match="dr_ratio"):
        kept_dims(12, 3, ratio)


def test_unknown_tracker_suggests() -> None:
    with pytest.raises(UsageError, match="Did you mean .*ostrack-nano"):
        describe("ostrak-nano")
