"""Units ranked across layers: what a toy keeps by hand, as many in all, and layers that matter less get fewer."""

from __future__ import annotations

from dataclasses import replace
from typing import cast

import pytest
import torch

from compress.core import UsageError
from compress.models import build
from compress.models.blocks import Block
from compress.surgery import inherit, ranked_across_layers
from compress.surgery.global_ranking import widths_of
from compress.testing.small_trackers import LEVIT, SPEC, awake

CROPS = torch.randn(2, 3, 32, 32), torch.randn(2, 3, 64, 64)
THIN = replace(SPEC, layers=tuple(replace(x, mlp_hidden=20, attn_dims=16, mlp_dims=12) for x in SPEC.layers))


def test_a_toy_by_hand() -> None:
    scores = [torch.tensor([1.0, 9.0, 2.0, 8.0]), torch.tensor([3.0, 0.1, 0.2, 0.3])]
    assert widths_of(scores, 4) == [3, 1], "9, 8 and 2 of the first, and 3 of the second"
    assert widths_of(scores, 2) == [1, 1], "one of each layer, though the first has two that are higher"
    assert widths_of(scores, 4, step=2) == [2, 2]
    assert widths_of(scores, 6, step=2) == [4, 2], "means 8.5 and 1.5, and 1.65 and 0.15"
    assert widths_of(scores, 6, most=3) == [3, 3]


def test_as_many_units_in_all_and_more_where_they_matter() -> None:
    teacher = awake(SPEC)
    still = cast(Block, teacher.backbone.blocks[2]).mlp.fc2
    still.weight.data.mul_(1e-3)
    found = ranked_across_layers(teacher, THIN, CROPS)
    for field in ("mlp_hidden", "attn_dims", "mlp_dims"):
        widths = [getattr(layer, field) for layer in found.layers]
        assert sum(widths) == sum(getattr(layer, field) for layer in THIN.layers)
        assert len(set(widths)) > 1
    assert found.layers[2].mlp_hidden == 1
    assert all(layer.attn_dims is not None and layer.attn_dims % SPEC.heads == 0 for layer in found.layers)
    build(found)
    inherit(teacher, found, calibration=CROPS)


def test_what_is_not_thinned_stays_as_it_is() -> None:
    teacher = build(SPEC).eval()
    assert ranked_across_layers(teacher, SPEC, CROPS) == SPEC
    with pytest.raises(UsageError, match="layers of one width"):
        ranked_across_layers(teacher, LEVIT, CROPS)
