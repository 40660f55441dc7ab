"""Cost against figures counted on the published code, against the papers' own, and against counting by hand."""

from __future__ import annotations

from dataclasses import replace

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
)
from compress.core.cost import components, macs, macs_cheapest, macs_linear_conv, parameters
from compress.core.zoo.trackers import uniform_layers

IMAGENET = 152_064  # a class token and an ImageNet position table, in published weights, read by nothing
CLASSIFIER = 2 * 768 + 769_000  # and in MixViT's a final norm and a classifier of 1000 classes
REGRESSION = 4 * 768  # MixFormerV2 adds a table to its prediction tokens; here the two are one
AI = 2 * 64 * 768**2  # LiteTrack's queries and output projections of the template in AI layers, which nothing uses
SCALE = 768  # LiteTrack: layer scale folds away (2 vectors a layer), the joint bias holds a third for the keys

PUBLISHED = {
    # name: parameters, those not held here, linear + convolution + attention products, those not computed here
    "ostrack256": (92_518_533, IMAGENET, 30_911_537_152, 0),
    "ostrack256-ce": (92_518_533, IMAGENET, 22_639_694_848, -768 * (64 + 256 + 64 + 180 + 64 + 126)),
    "ostrack384-ce": (92_825_733, IMAGENET, 54_085_375_488, -768 * (144 + 576 + 144 + 404 + 144 + 283)),
    "litetrack-b4": (35_820_953, IMAGENET + 4 * SCALE, 11_713_954_832, 2 * AI),
    "litetrack-b6": (49_998_233, IMAGENET + 6 * SCALE, 16_648_425_488, 3 * AI),
    "litetrack-b8": (64_175_513, IMAGENET + 8 * SCALE, 21_406_735_376, 3 * AI),
    "litetrack-b9": (71_264_153, IMAGENET + 9 * SCALE, 23_785_890_320, 3 * AI),
    "mixformerv2-b": (58_855_201, REGRESSION, 28_130_970_624, 0),
    "mixformerv2-s": (16_228_897, REGRESSION, 4_822_035_456, 0),
    "mixformerv2-b-student": (58_245_336, REGRESSION, 28_128_534_528, 0),
    "mixformerv2-depth12": (86_596_824, REGRESSION, 42_058_211_328, 0),
    "mixvit-b": (98_403_894, IMAGENET + CLASSIFIER, 46_201_963_392, 0),
    "hit-base": (42_220_250, 0, 4_431_241_216, 0),
    "hit-small": (11_069_794, 0, 1_193_218_048, 0),
    "hit-tiny": (9_628_530, 0, 1_015_595_008, 0),
}


@pytest.mark.parametrize("name", PUBLISHED)
def test_costs_what_the_published_code_costs(name: str) -> None:
    """Elimination costs a row more here: fused attention does not tell what the centre token attends to."""
    params, unheld, work, undone = PUBLISHED[name]
    spec = describe(name)
    assert parameters(spec) == params - unheld
    assert macs(spec).full == work - undone


@pytest.mark.parametrize(
    ("name", "per_frame", "undone"),
    [
        ("mixformerv2-b", 20_606_389_248, 0),
        ("mixformerv2-s", 3_317_959_680, 0),
        ("mixformerv2-b-student", 20_603_953_152, 0),
        ("mixformerv2-depth12", 30_809_088_000, 0),
        # With the template cached, published AI layers still compute all four projections of it, each frame.
        ("litetrack-b4", 9_809_993_728, 2 * 2 * AI),
        ("litetrack-b6", 13_811_359_744, 3 * 2 * AI),
        ("litetrack-b8", 17_636_564_992, 3 * 2 * AI),
        ("litetrack-b9", 19_549_167_616, 3 * 2 * AI),
    ],
)
def test_a_frame_costs_what_the_published_code_costs_with_its_template_cached(
    name: str, per_frame: int, undone: int
) -> None:
    assert macs(describe(name)).per_frame == per_frame - undone


@pytest.mark.parametrize(
    ("name", "giga"),
    [
        ("ostrack256", "29.0"),
        ("ostrack256-ce", "21.5"),
        ("ostrack384-ce", "48.3"),
        ("hit-base", "4.12"),
        ("hit-small", "1.09"),
        ("hit-tiny", "0.95"),
    ],
)
def test_papers_count_linear_layers_and_convolutions(name: str, giga: str) -> None:
    cost = macs_linear_conv(describe(name))
    assert cost.min == cost.max
    assert _giga(cost.max, giga) == giga


def test_abtrack_counts_as_its_table_3() -> None:
    reduced = describe("abtrack-vit")
    bypassed = replace(reduced, layers=uniform_layers(12, 768))
    baseline = replace(bypassed, bypass=None)
    shown = [macs_linear_conv(spec) for spec in (baseline, bypassed, reduced)]
    # The table's baseline, 2.39, counts the bypass token along; without it there are 320 tokens, not 321.
    assert _giga(shown[0].max) == _giga(shown[0].min) == "2.38"
    assert (_giga(shown[1].min), _giga(shown[1].max)) == ("0.97", "2.39")
    assert (_giga(shown[2].min), _giga(shown[2].max)) == ("0.88", "1.88")


def test_abtrack_holds_the_papers_parameters() -> None:
    """8.27 M with what its ViT-Tiny brings and nothing reads: class token, position table, classifier."""
    spec = replace(describe("abtrack-vit"), layers=uniform_layers(12, 768), bypass=None)
    assert round((parameters(spec) + 192 + 197 * 192 + 193 * 1000) / 1e6, 2) == 8.27


def _giga(count: int, like: str = "0.00") -> str:
    return f"{count / 1e9:.{len(like.split('.')[1])}f}"


def _tiny(attention: str = "joint", **fields: object) -> TrackerSpec:
    """Width 8, 1 template patch, 4 search patches of one pixel; two layers of MLP 3; the smallest centre head."""
    layers = tuple(LayerSpec(source=i, mlp_hidden=3, attention=attention) for i in range(2))  # type: ignore[arg-type]
    wanted = {"dim": 8, "heads": 2, "layers": layers, "patch": 1, "template_size": 1, "search_size": 2}
    return TrackerSpec(**(wanted | {"head": HeadSpec(channels=8)} | fields))  # type: ignore[arg-type]


PATCH = 3 * 8
LINEAR = 8 * 24 + 8 * 8 + 8 * 3 + 3 * 8
BLOCK_HELD = 4 * 8 + 9 * 24 + 9 * 8 + 9 * 3 + 4 * 8
CENTRE = 4 * (3 * 9 * (8 * 8 + 8 * 4 + 4 * 2 + 2 * 1) + 5 * 1)
CENTRE_HELD = 3 * (9 * (8 * 8 + 8 * 4 + 4 * 2 + 2 * 1) + 3 * (8 + 4 + 2 + 1)) + 5 * 2


def _block(tokens: int, memory: int = 0) -> int:
    return tokens * LINEAR + tokens * (tokens + memory) * (8 + 8)


def test_joint_by_hand() -> None:
    spec = _tiny()
    assert macs(spec).template == PATCH
    assert macs(spec).per_frame == 4 * PATCH + 2 * _block(1 + 4) + CENTRE
    assert parameters(spec) == (PATCH + 8) + (1 + 4) * 8 + 2 * BLOCK_HELD + 2 * 8 + CENTRE_HELD


def test_asymmetric_by_hand() -> None:
    """Two templates go through both layers, the last included; 4 + 4 tokens see them and themselves."""
    spec = _tiny("asymmetric", online_templates=1, head=HeadSpec(kind="tokens", bins=6, score=True), final_norm=False)
    head = 4 * (8 * 8 + 8 * 6 + 8 * 8 + 8 * 1)
    assert macs(spec).template == 2 * PATCH + 2 * _block(2)
    assert macs(spec).per_frame == 4 * PATCH + 2 * _block(4 + 4, 2) + head
    held = (9 * 8 + 2 * 8) + (9 * 6 + 2 * 6) + (9 * 8 + 9)
    assert parameters(spec) == (PATCH + 8) + (1 + 4 + 4) * 8 + 2 * BLOCK_HELD + held


def test_bypass_by_hand() -> None:
    """A decision costs its linear layer, whichever way it goes."""
    spec = _tiny(bypass=BypassSpec(n_enf=1))
    once, always, decision = PATCH, 4 * PATCH + _block(6) + CENTRE, 8
    assert macs(spec).per_frame == always + decision + _block(6)
    assert macs(spec, skipped={1}).per_frame == macs_cheapest(spec).per_frame == always + decision
    products = 6 * 6 * 16
    cost = macs_linear_conv(spec)
    assert (cost.min, cost.max) == (once + always + decision - products, macs(spec).full - 2 * products)
    assert parameters(spec) == parameters(_tiny()) + 8 + 9


def test_paths_that_do_not_exist_are_refused() -> None:
    with pytest.raises(UsageError, match=r"layers \[0, 1\] not all are among \[1\]"):
        macs(_tiny(bypass=BypassSpec(n_enf=1)), skipped={1, 0})
    with pytest.raises(UsageError, match="no exit 2: this tracker has 2"):
        macs(_tiny(exits=(ExitSpec(1), ExitSpec(2))), exit=2)


def test_exits_by_hand() -> None:
    """Every decisioner on the way is computed and one head."""
    head = HeadSpec(kind="corner", channels=8, reparam=True)
    spec = _tiny(exits=(ExitSpec(1, adapter=2), ExitSpec(2)), head=head)
    score, projection = 8 * 8 + 8 * 8 + 8, 4 * 8 * 8
    towers = 2 * 4 * (9 * (8 * 8 + 8 * 4 + 4 * 2 + 2 * 1) + 1)
    early = 4 * PATCH + 3 * _block(6) + score + projection + towers
    assert macs(spec, exit=0).per_frame == macs_cheapest(spec).per_frame == early
    assert macs(spec, exit=1) == macs(spec)
    assert macs(spec).per_frame == early + _block(6) + score
    # Two convolutions of each RepVGG block with their norms, and the norm of its input where the width stays.
    tower = 10 * (8 * 8 + 8 * 4 + 4 * 2 + 2 * 1) + 4 * (8 + 4 + 2 + 1) + 2 * 8 + 2
    one = (9 * 8 + 9 * 8 + 9) + (2 * 8 + 9 * 8) + 2 * tower
    assert parameters(spec) == (PATCH + 8) + (1 + 4 + 1) * 8 + (2 + 2) * BLOCK_HELD + 2 * one


@pytest.mark.parametrize(
    ("recycling", "work", "held"),
    [
        ("none", 0, 0),
        ("a", 0, 0),
        ("c", _block(12) - _block(6), 0),
        ("d", 6 * 2 * 8 * 8, 2 * 8 * 8),
    ],
)
def test_recycling_costs_beside_a_sum(recycling: str, work: int, held: int) -> None:
    spec = _tiny(exits=(ExitSpec(1), ExitSpec(2, adapter=1)))
    other = replace(spec, recycling=recycling)
    assert macs(other).per_frame - macs(spec).per_frame == work
    assert macs(other, exit=0) == macs(spec, exit=0)
    assert parameters(other) - parameters(spec) == held


def test_levit_by_hand() -> None:
    """The smallest crops there can be: 16 + 16 tokens, then 4 + 4, then 1 + 1; one layer, in the first stage."""
    stages = (StageSpec(8, 1, 2), StageSpec(8, 1, 2, 1, 5), StageSpec(16, 2, 2, 1, 5))
    layers = (LayerSpec(source=0, mlp_hidden=3),)
    spec = TrackerSpec(
        dim=8,
        heads=1,
        layers=layers,
        backbone="levit",
        stages=stages,
        template_size=64,
        search_size=64,
        head=HeadSpec(kind="corner", channels=8),
        final_norm=False,
    )
    stem = 32**2 * 9 * 3 * 1 + 16**2 * 9 * 1 * 2 + 8**2 * 9 * 2 * 4 + 4**2 * 9 * 4 * 8
    layer = 32 * (8 * (2 + 2 + 4) + 4 * 8) + 32 * 32 * (2 + 4) + 32 * (2 * 8 * 3)
    first = 32 * 8 * (2 + 8) + 8 * 8 * 2 + 8 * 32 * (2 + 8) + 8 * 8 * 8 + 8 * (2 * 8 * 5)
    second = 8 * 8 * (2 + 8) + 2 * 8 * 2 + 2 * 8 * (2 + 8) + 2 * 8 * 16 + 2 * (2 * 16 * 5)
    bridge = 1 * 4 * 16 * 8 + 4 * 4 * 8 * 8 + 16 * 8 * 8 + 16 * 8 + 16 * 8
    towers = 2 * 16 * (9 * (8 * 8 + 8 * 4 + 4 * 2 + 2 * 1) + 1)
    assert macs(spec).template == stem
    assert macs(spec).per_frame == stem + layer + first + second + bridge + towers


@pytest.mark.parametrize(
    ("search", "template"), [(256, 128), (384, 192), (128, 192), (64, 64), (192, 64)], ids=lambda size: str(size)
)
def test_levit_has_a_bias_for_every_distance(search: int, template: int) -> None:
    """Against all pairs of tokens, the template on a grid diagonally below the search crop's."""
    spec = replace(describe("hit-tiny"), search_size=search, template_size=template)
    r, t = search // 16, template // 16
    wanted = len(_distances(r, t, 1)) * 2 * 4  # two layers of four heads
    wanted += len(_distances(r, t, 2)) * 8
    wanted += len(_distances(r // 2, t // 2, 1)) * 3 * 6
    wanted += len(_distances(r // 2, t // 2, 2)) * 16
    wanted += len(_distances(r // 4, t // 4, 1)) * 4 * 8
    published = 560 * 2 * 4 + 558 * 8 + 136 * 3 * 6 + 134 * 16 + 32 * 4 * 8
    assert parameters(spec) - parameters(describe("hit-tiny")) == wanted - published


def _distances(search: int, template: int, stride: int) -> set[tuple[int, int]]:
    keys = [(y, x) for y in range(search) for x in range(search)]
    keys += [(search + y, search + x) for y in range(template) for x in range(template)]
    queries = [(y, x) for y, x in keys if (y % stride, x % stride) == (0, 0)]
    return {(abs(y - v), abs(x - u)) for y, x in queries for v, u in keys}


def test_pyramid_by_hand() -> None:
    """Convolutions at the grid's resolution, at twice and at four times it; see MixViT's keys for their widths."""
    spec = _tiny(head=HeadSpec(kind="pyramid", channels=8))
    plain = replace(spec, head=HeadSpec(channels=8))
    coarse = 9 * (8 * 8 + 8 * 4 + 8 * 4 + 8 * 2 + 4 * 2 + 2 * 1 + 1 * 1)
    middle, fine = 9 * (4 * 2 + 2 * 1 + 1 * 1), 9 * 2 * 1 + 1
    work = macs(spec).per_frame - macs(plain).per_frame + CENTRE
    assert work == 2 * (4 * coarse + 16 * middle + 64 * fine)


def test_dimension_reduction_at_the_published_size() -> None:
    """ABTrack, Table 3: μ = 0.3 keeps 135 of 192, and a block at full width costs 12·d²·N in linear layers."""
    full = LayerSpec(source=0, mlp_hidden=768)
    spec = TrackerSpec(dim=192, heads=3, layers=(full,))
    cut = replace(spec, layers=(replace(full, attn_dims=135, mlp_dims=135),))
    saved = macs(spec).per_frame - macs(cut).per_frame
    linear = 320 * (192 * 576 - 135 * (384 + 135) + 192 * (192 - 135) + 768 * (192 - 135))
    assert saved == linear + 320 * 320 * (192 - 135)
    whole = replace(spec, layers=(replace(full, mlp_hidden=540, attn_dims=135, mlp_dims=135),))
    assert macs_linear_conv(spec).max - macs_linear_conv(whole).max == 320 * 12 * 192 * (192 - 135)


@pytest.mark.parametrize("name", TRACKERS.names())
def test_parts_have_names_of_their_own_and_add_up(name: str) -> None:
    spec = describe(name)
    found = list(components(spec))
    assert len({part.name for part in found}) == len(found)
    work, cheapest = macs(spec), macs_cheapest(spec)
    assert work.full == work.template + work.per_frame
    assert work.template == sum(part.template.done for part in found) == cheapest.template
    assert (cheapest.per_frame < work.per_frame) == spec.adaptive
    paper = macs_linear_conv(spec)
    assert 0 < paper.min <= paper.max < work.full
    assert (paper.min < paper.max) == spec.adaptive
