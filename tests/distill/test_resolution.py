"""What students of smaller crops are trained on: resampled crops, maps and tokens of a teacher."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from compress.core import BypassSpec, ExitSpec, TrackerSpec
from compress.data.generated import GeneratedSequence, levels_of, sample_pairs
from compress.distill import Pool, StudentRecipe, distill, to_input
from compress.distill.answers import answers_of, layer_name
from compress.distill.feature_distillation import distilled_layers
from compress.distill.resolution import at_sizes, corner_at, crops_at, maps_at, tokens_at
from compress.geometry.crop import crop_target
from compress.models.heads import decode
from compress.surgery import inherit
from compress.testing.small_trackers import DENSE, ELIMINATING, SCORED, SPEC, TEACHERS, awake

CPU = torch.device("cpu")


def _smaller(spec: TrackerSpec) -> TrackerSpec:
    return replace(spec, search_size=48, template_size=16)


def _pool(spec: TrackerSpec) -> Pool:
    """Eight pairs and the answers of a teacher about them."""
    teacher = awake(spec)
    sizes = {"template_size": spec.template_size, "search_size": spec.search_size}
    pairs = sample_pairs(0, 0, 8, template_factor=2.0, search_factor=4.0, **sizes)
    template, search, boxes = (torch.from_numpy(each) for each in (pairs.template, pairs.search, pairs.boxes))
    found = answers_of(teacher, to_input(template), to_input(search))
    layers = {i: found.pop(layer_name(i)) for i in distilled_layers(spec)}
    return Pool(spec, template, search, boxes, found, layers)


def test_resampled_crops_are_near_crops_of_that_size() -> None:
    """Both average pixels of the frame, the one twice: on generated frames within 2 levels of 255 on the average."""
    sequence = GeneratedSequence(0, name="s", levels=levels_of("mixed"), length=4)
    for i, size in ((0, 96), (1, 64), (2, 112)):
        frame, box = sequence.frame(i), np.asarray(sequence.boxes[i])
        whole, wanted = (crop_target(frame, box, factor=4.0, size=each).image for each in (128, size))
        spec = replace(SPEC, search_size=size)
        tensor = torch.from_numpy(whole).permute(2, 0, 1)[None].float()
        _, found = crops_at(tensor, tensor, spec)
        error = (found[0].permute(1, 2, 0) - torch.from_numpy(wanted).float()).abs()
        assert found.shape == (1, 3, size, size)
        assert float(error.mean()) < 2.0


def test_at_the_teachers_sizes_a_batch_stays_as_it_is() -> None:
    batch = _pool(SPEC).batch(torch.arange(2), CPU)
    assert at_sizes(batch, SPEC) is batch
    smaller = at_sizes(batch, replace(SPEC, template_size=16))
    assert smaller.template.shape == (2, 3, 16, 16)
    assert (smaller.search is batch.search, smaller.maps is batch.maps) == (True, True)


@pytest.mark.parametrize("spec", [TEACHERS[name] for name in ("centre", "eliminating", "pyramid", "tokens")])
def test_maps_and_tokens_have_the_shapes_of_the_student(spec: TrackerSpec) -> None:
    wanted, batch = _smaller(spec), _pool(spec).batch(torch.arange(3), CPU)
    found = at_sizes(batch, wanted)
    assert {name: tuple(each.shape[1:]) for name, each in found.maps.items()} == wanted.maps
    assert {each.shape for each in found.layers.values()} == {(3, 9, wanted.dim)}
    assert found.boxes is batch.boxes


def test_corners_keep_their_mass_and_the_box() -> None:
    torch.manual_seed(0)
    prob = torch.zeros(4, 16, 16)
    prob[:, 2:11, 1:12] = torch.rand(4, 9, 11)
    prob = prob / prob.sum((1, 2), keepdim=True)
    found = corner_at(prob, 12)
    assert found.shape == (4, 12, 12)
    torch.testing.assert_close(found.sum((1, 2)), torch.ones(4))
    boxes = (decode({"prob_tl": each, "prob_br": each})[0] for each in (prob, found))
    torch.testing.assert_close(*boxes, atol=1e-5, rtol=0)


def test_a_peak_keeps_its_height_and_its_box() -> None:
    """Also between two cells of the student, where the neighbours of the peak stand for boxes elsewhere."""
    column, row = torch.arange(8.0)[None, :], torch.arange(8.0)[:, None]
    score = (0.9 * torch.exp(-((column - 5) ** 2 + (row - 2) ** 2) / 1.5)).clamp_min(1e-4)[None, None]
    centre = torch.tensor([0.68, 0.31])
    offset = torch.stack([centre[0] * 8 - column.expand(8, 8), centre[1] * 8 - row.expand(8, 8)])[None]
    offset = torch.where(score > 0.3, offset, offset + 0.5)
    size = torch.where(score > 0.3, torch.tensor([0.2, 0.3])[None, :, None, None], torch.tensor(0.9))
    maps = {"score_map": score, "size_map": size, "offset_map": offset}
    found = maps_at(maps, replace(SPEC, search_size=128), replace(SPEC, search_size=96))
    (wanted, before), (box, after) = decode(maps), decode(found)
    assert float(after) == pytest.approx(float(before), abs=1e-5)
    torch.testing.assert_close(box, wanted, atol=0.04, rtol=0)
    torch.testing.assert_close(wanted, torch.tensor([[0.68, 0.31, 0.2, 0.3]]))


def test_eliminated_tokens_take_no_part() -> None:
    tokens = torch.ones(1, 16, 3)
    tokens[:, 8:] = 0
    found = tokens_at(tokens, 2, eliminated=True)
    torch.testing.assert_close(found, torch.tensor([1.0, 1.0, 0.0, 0.0])[None, :, None].expand(1, 4, 3))


@pytest.mark.parametrize(
    "wanted",
    [
        _smaller(SPEC),
        _smaller(ELIMINATING),
        _smaller(DENSE),
        _smaller(SCORED),
        replace(_smaller(SPEC), bypass=BypassSpec(n_enf=1), exits=(ExitSpec(2), ExitSpec(4))),
    ],
    ids=["centre", "eliminating", "pyramid", "tokens", "adaptive"],
)
def test_students_of_smaller_crops_are_distilled(wanted: TrackerSpec) -> None:
    teacher = replace(wanted, search_size=64, template_size=32, bypass=None, exits=())
    pool, student = _pool(teacher), inherit(awake(teacher), wanted)
    before = {name: each.clone() for name, each in student.state_dict().items()}
    recipe = replace(StudentRecipe(), batch=4, ema=0.0)
    found = distill(student, pool, recipe, steps=2, seed=0, device=CPU)
    assert found.spec == wanted
    assert all(bool(each.isfinite().all()) for each in found.state_dict().values())
    assert any(not torch.equal(each, before[name]) for name, each in found.state_dict().items())
