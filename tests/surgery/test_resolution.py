"""Students of other crops than their teacher's: positions for another grid, everything else as it is."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from compress.core import TrackerSpec, UsageError
from compress.models.vit.backbone import resized_positions, sincos_positions
from compress.surgery import inherit
from compress.testing.small_trackers import DENSE, LEVIT, SPEC, awake


def _same_layers(spec: TrackerSpec, **sizes: int) -> TrackerSpec:
    return replace(spec, **sizes)  # type: ignore[arg-type]


def test_positions_alone_change() -> None:
    teacher = awake(SPEC)
    student = inherit(teacher, _same_layers(SPEC, search_size=48, template_size=16))
    theirs, mine = teacher.state_dict(), student.state_dict()
    changed = {name for name in mine if mine[name].shape != theirs[name].shape}
    assert changed == {"backbone.pos_embed_x", "backbone.pos_embed_z"}
    assert mine["backbone.pos_embed_x"].shape == (1, 9, SPEC.dim)
    assert all(torch.equal(mine[name], theirs[name]) for name in mine if name not in changed)


def test_a_crop_of_the_teachers_size_keeps_its_positions_bit_for_bit() -> None:
    teacher = awake(SPEC)
    student = inherit(teacher, _same_layers(SPEC, search_size=48))
    assert torch.equal(student.get_parameter("backbone.pos_embed_z"), teacher.get_parameter("backbone.pos_embed_z"))
    same = inherit(teacher, SPEC)
    crops = torch.randn(2, 3, 32, 32), torch.randn(2, 3, 64, 64)
    with torch.no_grad():
        assert torch.equal(same(*crops).boxes, teacher(*crops).boxes)


def test_interpolated_positions_are_where_they_were() -> None:
    """Those of a ramp over the crop stay a ramp: a cell's middle is where it is, whatever the grid."""
    line = (torch.arange(8.0) + 0.5) / 8
    ramp = torch.stack([line.repeat(8), line.repeat_interleave(8)], dim=1)[None]
    found = resized_positions(ramp, 4).reshape(4, 4, 2)
    wanted = (torch.arange(4.0) + 0.5) / 4
    torch.testing.assert_close(found[1, :, 0], wanted, atol=0.02, rtol=0)
    torch.testing.assert_close(found[:, 1, 1], wanted, atol=0.02, rtol=0)


def test_fixed_positions_are_those_of_the_other_grid() -> None:
    student = inherit(awake(DENSE), _same_layers(DENSE, search_size=48))
    found = student.get_parameter("backbone.pos_embed_x")
    torch.testing.assert_close(found.detach(), sincos_positions(3, DENSE.dim), rtol=0, atol=0)
    assert not found.requires_grad


def test_a_levit_stays_at_its_sizes() -> None:
    with pytest.raises(UsageError, match="search_size is 128 and the teacher's is 64"):
        inherit(awake(LEVIT), _same_layers(LEVIT, search_size=128))
