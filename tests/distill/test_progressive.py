"""Progressive depth pruning against MixFormerV2's schedule, scaled weights and dropped layers."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import cast

import numpy as np
import pytest
import torch

from compress.core import BypassSpec, LayerSpec, TrackerSpec, UsageError
from compress.distill import Pool, StudentRecipe
from compress.distill.progressive import distill_progressively, fading, gamma, removed_layers, with_removed
from compress.models import Tracker, TrackerOutput, VitTracker
from compress.models.blocks import Block
from compress.surgery import inherit
from compress.testing.small_trackers import ELIMINATING, LEVIT, SCORED, SPEC, awake, shorter
from compress.testing.unseen_pairs import seen_pairs, unseen_losses

CPU = torch.device("cpu")
CROPS = torch.randn(2, 3, 32, 32), torch.randn(2, 3, 64, 64)


def test_gamma_is_the_published_one() -> None:
    figures = Path(__file__).parents[1] / "data" / "mixformerv2_distill_losses.json"
    published = json.loads(figures.read_text())["remove_rate_by_epoch_1_45"]
    np.testing.assert_allclose([gamma(epoch, 40) for epoch in range(1, 46)], published, atol=1e-12)
    assert gamma(0, 1) == gamma(59, 60) == 0.0


def _run(model: Tracker) -> TrackerOutput:
    with torch.no_grad():
        out: TrackerOutput = model(*CROPS)
    return out


@pytest.mark.parametrize("spec", [SPEC, SCORED], ids=["joint", "asymmetric"])
def test_fading_scales_both_residual_branches(spec: TrackerSpec) -> None:
    model, scaled = (cast(VitTracker, awake(spec)) for _ in range(2))
    for i in (1, 2):
        block = cast(Block, scaled.backbone.blocks[i])
        for linear in (block.attn.proj, block.mlp.fc2):
            linear.weight.data.mul_(0.3)
            linear.bias.data.mul_(0.3)
    whole = _run(model)
    with fading(model, [1, 2]) as fade:
        torch.testing.assert_close(_run(model), whole)
        fade(0.3)
        torch.testing.assert_close(_run(model), _run(scaled))
        fade(0.0)
        torch.testing.assert_close(_run(model), _run(inherit(model, shorter(spec))))
        still = {i for i in range(4) if not any(p.requires_grad for p in model.backbone.blocks[i].parameters())}
        assert still == {1, 2}
    torch.testing.assert_close(_run(model), whole)
    assert all(p.requires_grad for p in model.backbone.blocks.parameters())


def test_layers_put_back_fit_the_student() -> None:
    layers = (replace(ELIMINATING.layers[0], mlp_hidden=9), ELIMINATING.layers[3])
    whole = with_removed(ELIMINATING, replace(ELIMINATING, layers=layers))
    assert [layer.mlp_hidden for layer in whole.layers] == [9, 64, 64, 64]
    assert [layer.keep for layer in whole.layers] == [None] * 4
    assert removed_layers(ELIMINATING, replace(ELIMINATING, layers=layers)) == [1, 2]
    for kinds, expected in (("FE AI", "FE AI AI AI"), ("AI AI", "AI AI AI AI")):
        split = tuple(LayerSpec(i, 64, attention=kind) for i, kind in zip((0, 3), kinds.split(), strict=True))  # type: ignore[arg-type]
        whole = with_removed(SPEC, replace(SPEC, layers=split))
        assert " ".join(layer.attention for layer in whole.layers) == expected


@pytest.mark.parametrize("spec", [LEVIT, replace(SPEC, bypass=BypassSpec(n_enf=1))])
def test_trackers_whose_layers_do_not_fade_are_refused(spec: TrackerSpec) -> None:
    with pytest.raises(UsageError, match="fade out"):
        with_removed(spec, spec)


def test_a_student_whose_layers_faded_comes_near_its_teacher(
    awake_teacher: Callable[[str], tuple[Tracker, Pool]],
) -> None:
    teacher, pool = awake_teacher("tokens")
    spec = shorter(teacher.spec)
    seen: list[tuple[float, dict[str, float]]] = []
    student = distill_progressively(
        teacher,
        spec,
        seen_pairs(pool),
        StudentRecipe(batch=16, lr=1e-3, ema=0.9),
        fade_steps=20,
        steps=20,
        seed=0,
        device=CPU,
        progress=lambda text, share, parts=None: seen.append((share, parts)),
    )
    assert student.spec == spec
    np.testing.assert_allclose([share for share, _ in seen], np.arange(1, 41) / 40)
    # It starts as the teacher, and as the layers leave, it has to make up for them.
    before = unseen_losses(inherit(teacher, spec), pool)
    after = unseen_losses(student, pool)
    for part in ("imitate_distribution", "feature_raw"):
        assert seen[0][1][part] < 0.3 * before[part]
        assert after[part] < 0.7 * before[part]
