"""Local distillation and scores of layer variants: on the tokens that the teacher's own layers take in and put out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from compress.core import TrackerSpec
from compress.distill import Pool, StudentRecipe, to_input
from compress.distill.blockwise import (
    LayerWork,
    LocalRecipe,
    MadeVariant,
    Rows,
    VariantScore,
    distill_half,
    half_of,
    mean_loss,
    read_variant,
    save_variant,
)
from compress.distill.blockwise.activations import Walk
from compress.models import Tracker
from compress.surgery import (
    AttentionVariant,
    MlpVariant,
    Skip,
    Variant,
    assemble,
    cut_variant,
    observe,
    own_variants,
)
from compress.testing.small_trackers import SPEC, awake

CPU = torch.device("cpu")
RECIPE = LocalRecipe(pairs=96, scored=32)
Made = Callable[[str], tuple[Tracker, Pool]]


def _split(teacher: TrackerSpec) -> TrackerSpec:
    kinds = ("FE", "FE", "AI", "AI")
    layers = (replace(layer, attention=kind) for layer, kind in zip(teacher.layers, kinds, strict=True))  # type: ignore[arg-type]
    return replace(teacher, layers=tuple(layers))


def _work(teacher: Tracker, pool: Pool, recipe: LocalRecipe = RECIPE) -> LayerWork:
    return LayerWork(teacher, pool, recipe, StudentRecipe(), CPU, seed=0)


@pytest.mark.parametrize("kind", ["centre", "tokens", "split"])
def test_halves_in_a_row_are_the_tracker(awake_teacher: Made, kind: str) -> None:
    """Whatever its attention, with an online template and prediction tokens, or template and search apart."""
    model, pool = awake_teacher("centre" if kind == "split" else kind)
    model = awake(_split(SPEC)) if kind == "split" else model
    walk = Walk.of(model, pool, range(10, 15), CPU)
    last = list(walk.layers())[-1].behind
    with torch.no_grad():
        found = walk.teacher.answer(walk.teacher.features(last))
        wanted = model(to_input(pool.template[10:15]), to_input(pool.search[10:15]))
    for name, value in wanted.maps.items():
        torch.testing.assert_close(found.maps[name], value, rtol=1e-4, atol=1e-5)


VARIANTS = (
    AttentionVariant(1, "joint", 16),
    AttentionVariant(1, "FE"),
    AttentionVariant(2, "AI", 24),
    MlpVariant(1, 16),
    MlpVariant(2, 40, 16),
)


@pytest.mark.parametrize(("variant", "steps"), [*((each, 0) for each in VARIANTS), (VARIANTS[-1], 4)], ids=str)
def test_distillation_lowers_the_local_loss(awake_teacher: Made, variant: AttentionVariant, steps: int) -> None:
    """On pairs that were not learnt from, by the closed form alone and with steps behind it."""
    teacher, pool = awake_teacher("centre")
    observed = observe(teacher, to_input(pool.template[:16]), to_input(pool.search[:16]))
    half = half_of(teacher.spec, variant, cut_variant(teacher, variant, observed))

    def rows(which: range) -> Rows:
        walk = Walk.of(teacher, pool, which, CPU)
        tokens = list(walk.layers())[variant.source]
        attention = isinstance(variant, AttentionVariant)
        return Rows(*(tokens[:2] if attention else tokens[1:]), walk.finished)

    unseen = rows(range(128, 160))
    before = mean_loss(half, unseen)
    after = mean_loss(distill_half(half, rows(range(128)), replace(RECIPE, steps=steps, lr=1e-4), seed=0), unseen)
    assert after < 0.95 * before


def test_the_teachers_own_variants_lose_nothing(awake_teacher: Made) -> None:
    teacher, pool = awake_teacher("centre")
    work = _work(teacher, pool)
    for variant in (*own_variants(teacher.spec, 1), AttentionVariant(3, "joint")):
        score = work.make(variant).score
        assert score.distillation < 1e-3
        assert abs(score.iou) < 1e-3
        assert score.local < 1e-6


def test_a_score_is_what_the_tracker_loses_with_the_variant_in_it(awake_teacher: Made) -> None:
    """The same as a student built with that one layer changed, or left out."""
    teacher, pool = awake_teacher("centre")
    work = _work(teacher, pool)
    thin = MlpVariant(2, 16)
    made = {variant: work.make(variant) for variant in (thin, Skip(1))}
    changed = (replace(x, mlp_hidden=16) if x.source == 2 else x for x in SPEC.layers)
    specs = {
        thin: replace(SPEC, layers=tuple(changed)),
        Skip(1): replace(SPEC, layers=(SPEC.layers[0], *SPEC.layers[2:])),
    }
    rows = slice(128, 160)
    for variant, spec in specs.items():
        student = assemble(teacher, spec, lambda each: _state(teacher, made, each))
        with torch.no_grad():
            crops = to_input(pool.template[rows]), to_input(pool.search[rows])
            wanted = _distillation(student(*crops).maps, teacher(*crops).maps)
        assert made[variant].score.distillation == pytest.approx(wanted, rel=1e-3)
        assert wanted > 0.01


def _state(teacher: Tracker, made: dict[Variant, MadeVariant], variant: Variant) -> dict[str, torch.Tensor]:
    if variant in made:
        return made[variant].state
    block = teacher.get_submodule(f"backbone.blocks.{variant.source}").state_dict()
    return {name: value for name, value in block.items() if name.startswith(variant.names)}


def _distillation(maps: dict[str, torch.Tensor], teacher: dict[str, torch.Tensor]) -> float:
    from compress.distill.losses import imitation_loss

    return sum(StudentRecipe().weights[name] * float(each) for name, each in imitation_loss(maps, teacher).items())


def test_layers_in_order_or_one_alone_make_the_same(awake_teacher: Made) -> None:
    teacher, pool = awake_teacher("centre")
    variant = AttentionVariant(2, "FE", 16)
    alone, along = _work(teacher, pool).make(variant), None
    work = _work(teacher, pool)
    for i in work.enter():
        along = work.make(variant) if i == 2 else along
    assert along is not None
    assert along.score == alone.score
    assert all(torch.equal(value, along.state[name]) for name, value in alone.state.items())


def test_a_pool_too_small_for_both_is_halved(awake_teacher: Made, tmp_path: Path) -> None:
    teacher, pool = awake_teacher("centre")
    few = replace(pool, **{name: getattr(pool, name)[:8] for name in ("template", "search", "boxes")})
    assert _work(teacher, few).make(MlpVariant(0, 8)).score.local > 0


def test_files_keep_variants(tmp_path: Path) -> None:
    made = MadeVariant({"mlp.fc1.weight": torch.ones(2, 3)}, VariantScore(0.5, -0.25, 0.125))
    for each in (made, MadeVariant({}, made.score)):
        save_variant(each, tmp_path / "x.safetensors")
        found = read_variant(tmp_path / "x.safetensors", device=CPU)
        assert found is not None
        assert found.score == made.score
        assert found.state.keys() == each.state.keys()
    for damage in (b"", b"{" * 100, (tmp_path / "x.safetensors").read_bytes()[:-4]):
        (tmp_path / "y.safetensors").write_bytes(damage)
        assert read_variant(tmp_path / "y.safetensors", device=CPU) is None
