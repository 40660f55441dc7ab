"""Cost against figures counted on the published code (multiply-adds of linear, convolution, attention products)."""

from __future__ import annotations

from dataclasses import replace

import pytest

from compress.core import HeadSpec, LayerSpec, TrackerSpec, describe
from compress.core.cost import macs, parameters


def test_ostrack_costs_what_the_published_code_costs() -> None:
    spec = describe("ostrack256")
    assert macs(spec).full == 30_911_537_152
    assert macs(spec).template == 64 * 3 * 16 * 16 * 768
    # The published state dict holds a class token and an ImageNet position table that nothing reads.
    assert parameters(spec) == 92_518_533 - 152_064


@pytest.mark.parametrize(
    ("name", "full", "params", "tokens"),
    [
        ("ostrack256-ce", 22_639_694_848, 92_518_533, (64 + 256, 64 + 180, 64 + 126)),
        ("ostrack384-ce", 54_085_375_488, 92_825_733, (144 + 576, 144 + 404, 144 + 283)),
    ],
)
def test_elimination_costs_the_published_and_one_row_more(
    name: str, full: int, params: int, tokens: tuple[int, ...]
) -> None:
    """Fused attention does not tell what a token attends to, so one query meets the keys of a layer a second time."""
    spec = describe(name)
    assert macs(spec).full == full + 768 * sum(tokens)
    assert parameters(spec) == params - 152_064


@pytest.mark.parametrize(
    ("name", "full", "template", "params", "waste"),
    [
        ("litetrack-b4", 11_713_954_832, 1_903_961_104, 35_820_953, 150_994_944),
        ("litetrack-b8", 21_406_735_376, 3_770_170_384, 64_175_513, 226_492_416),
        ("litetrack-b9", 23_785_890_320, 4_236_722_704, 71_264_153, 226_492_416),
    ],
)
def test_litetrack_costs_the_published_less_its_waste(
    name: str, full: int, template: int, params: int, waste: int
) -> None:
    """The published AI layers compute template queries and output projections that nothing uses."""
    spec = describe(name)
    cost = macs(spec)
    assert cost.full == full - waste
    # Keys and values of the template for the AI layers are computed once, not every frame: as many as are wasted.
    assert cost.template == template + waste
    # Layer scale folds away, and the three bias vectors hold one more third.
    depth = len(spec.layers)
    assert parameters(spec) == params - 152_064 - 2 * 768 * depth + 768 * depth


def test_a_tracker_small_enough_to_count_by_hand() -> None:
    layer = LayerSpec(source=0, mlp_hidden=3)
    spec = TrackerSpec(
        dim=8, heads=2, layers=(layer,), patch=1, template_size=1, search_size=2, head=HeadSpec(channels=8)
    )
    tokens = 1 + 4
    block = tokens * (8 * 24 + 8 * 8 + 8 * 3 + 3 * 8) + tokens * tokens * (8 + 8)
    head = 4 * (3 * 9 * (8 * 8 + 8 * 4 + 4 * 2 + 2 * 1) + 5 * 1)
    patches = 3 * 8
    assert macs(spec).template == patches
    assert macs(spec).per_frame == 4 * patches + block + head


def test_dimension_reduction_at_the_published_size() -> None:
    """ABTrack, Table 3: μ = 0.3 keeps 135 of 192, and a block at full width costs 12·d²·N in linear layers."""
    full = LayerSpec(source=0, mlp_hidden=768)
    spec = TrackerSpec(dim=192, heads=3, layers=(full,))
    cut = replace(spec, layers=(replace(full, attn_dims=135, mlp_dims=135),))
    saved = macs(spec).per_frame - macs(cut).per_frame
    linear = 320 * (192 * 576 - 135 * (384 + 135) + 192 * (192 - 135) + 768 * (192 - 135))
    assert saved == linear + 320 * 320 * (192 - 135)
