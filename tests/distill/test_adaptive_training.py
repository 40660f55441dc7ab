"""Students that decide per frame, trained for real: bypass skips what it is asked to, exits learn to answer."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch import Tensor

from compress.core import BypassSpec, ExitSpec, HeadSpec, Store, TrackerSpec, UsageError
from compress.data import open_source
from compress.distill import Pool, StudentRecipe, distill, distill_progressively, distillation_pool, to_input
from compress.distill.losses.boxes import corners, giou
from compress.models import Tracker, build
from compress.surgery import inherit
from compress.testing.small_trackers import SPEC, awake
from compress.testing.unseen_pairs import unseen_losses

CPU = torch.device("cpu")
RECIPE = StudentRecipe(batch=16, lr=2e-3, ema=0.9)
EXITS = (ExitSpec(1, adapter=2), ExitSpec(2, adapter=1), ExitSpec(4))
BOTH = replace(SPEC, bypass=BypassSpec(n_enf=1, tau0=0.6), exits=EXITS)
NOTHING = StudentRecipe(score=0, box=0, feature=0, sparsity=0, iou=0, self_imitation=0)


@torch.inference_mode()
def _skipped(student: Tracker, pool: Pool) -> Tensor:
    """(N, L) which layers each frame skips."""
    decisions = student.eval()(to_input(pool.template), to_input(pool.search)).decisions
    skipped: Tensor = decisions.skipped
    return skipped


def _bypassing(teacher: Tracker, pool: Pool, bypass: BypassSpec, recipe: StudentRecipe, steps: int) -> Tracker:
    start = inherit(teacher, replace(teacher.spec, bypass=bypass))
    return distill(start, pool, recipe, steps=steps, seed=0, device=CPU)


@pytest.mark.parametrize("zeta", [0.0, pytest.param(-0.1, marks=pytest.mark.slow)], ids=["fixed", "adaptive"])
def test_the_share_that_is_skipped_follows_tau0(teacher: Tracker, pool: Pool, zeta: float) -> None:
    """What is skipped in the end, not the probabilities; and never a layer below `n_enf`."""
    rates, recipe = [], replace(RECIPE, batch=8, lr=3e-3)
    for tau0 in (0.2, 0.5, 0.8):
        student = _bypassing(teacher, pool, BypassSpec(n_enf=1, tau0=tau0, zeta=zeta), recipe, steps=50)
        skipped = _skipped(student, pool)
        assert not bool(skipped[:, 0].any())
        rates.append(float(skipped[:, 1:].float().mean()))
    assert rates[0] < 0.3 < rates[1] < 0.5 < rates[2], rates


@pytest.fixture(scope="module")
def uneven(tmp_path_factory: pytest.TempPathFactory) -> tuple[Tracker, Pool]:
    """Dark frames whose box lies in the middle, and, every second one, bright frames with a box anywhere."""
    teacher = awake(replace(SPEC, head=HeadSpec(kind="corner", channels=8)))
    source = open_source("generated")
    pool = distillation_pool(
        teacher, source, count=96, seed=1, store=Store(tmp_path_factory.mktemp("uneven")), device=CPU
    )
    hard = torch.arange(96) % 2 == 1
    chance = torch.Generator().manual_seed(0)
    anywhere = torch.cat([torch.rand(96, 2, generator=chance) * 0.6 + 0.2, torch.rand(96, 2, generator=chance) / 3], 1)
    boxes = torch.where(hard[:, None], anywhere, torch.tensor([0.5, 0.5, 0.25, 0.25]))
    search = pool.search // 2 + 128 * hard[:, None, None, None].to(torch.uint8)
    return teacher, replace(pool, boxes=boxes, search=search)


@pytest.mark.parametrize("zeta", [-0.5, pytest.param(0.5, marks=pytest.mark.slow)])
def test_hard_frames_skip_less_below_zero_and_more_above(uneven: tuple[Tracker, Pool], zeta: float) -> None:
    alone = replace(RECIPE, batch=8, lr=3e-3, distribution=0.0, feature=0.0)
    student = _bypassing(*uneven, BypassSpec(n_enf=1, tau0=0.5, zeta=zeta), alone, steps=80)
    shares = _skipped(student, uneven[1])[:, 1:].float().mean(1)
    easy, hard = float(shares[::2].mean()), float(shares[1::2].mean())
    assert (hard - easy) / zeta > 0.2, (easy, hard)


def test_in_the_static_stage_nothing_learns_to_decide(teacher: Tracker, pool: Pool) -> None:
    """Only what leads to the last answer does: of an early exit its adapter, whose tokens are recycled."""
    start = inherit(teacher, BOTH)
    before = {name: value.clone() for name, value in start.named_parameters()}
    after = distill(start, pool, replace(RECIPE, static=1.0), steps=2, seed=0, device=CPU)
    still = {name for name, value in after.named_parameters() if torch.equal(value, before[name])}
    parts = {".".join(name.split(".")[:3]) for name in still if not name.startswith("backbone.")}
    early = {f"exits.{k}.{part}" for k in (0, 1) for part in ("norm", "proj", "score", "head")}
    assert parts == early | {"exits.2.score"} | {f"bypass.gates.{i}" for i in (1, 2, 3)}
    assert not any(name.startswith("backbone.blocks") for name in still)


def test_a_student_distilled_before_has_no_static_stage(teacher: Tracker, pool: Pool) -> None:
    seen: list[tuple[str, set[str]]] = []
    run = {
        "steps": 8,
        "seed": 0,
        "device": CPU,
        "progress": lambda text, share, parts=None: seen.append((text, set(parts))),
    }
    recipe = replace(RECIPE, batch=2, static=0.5)
    student = distill(inherit(teacher, BOTH), pool, recipe, **run)
    assert [("sparsity" in parts, "exits_iou" in parts) for _, parts in seen] == [(False, False)] * 4 + [
        (True, True)
    ] * 4
    seen.clear()
    distill(student, pool, recipe, again=True, **run)
    assert [text for text, parts in seen if "sparsity" in parts] == [f"step {i} of 8" for i in range(1, 9)]


def test_stages_are_reported_apart(teacher: Tracker, pool: Pool) -> None:
    steps: list[str] = []
    options = {"seed": 0, "device": CPU, "progress": lambda text, share, _=None: steps.append(text)}
    distill(inherit(teacher, BOTH), pool, replace(RECIPE, batch=2, static=0.125), steps=40, **options)
    assert steps[:4] == [f"step {i} of 40" for i in (2, 4, 5, 7)]
    assert steps[-1] == "step 40 of 40"


def test_exits_learn_to_answer_and_to_say_how_well(uneven: tuple[Tracker, Pool]) -> None:
    teacher, pool = uneven
    recipe = replace(RECIPE, batch=8, lr=3e-3, distribution=0.0, feature=0.0)
    student = distill(inherit(teacher, replace(teacher.spec, exits=EXITS)), pool, recipe, steps=100, seed=0, device=CPU)
    scores, ious = _said(student, pool)
    easy, hard = scores[::2].mean(0), scores[1::2].mean(0)
    assert bool((ious[::2].mean(0) > 0.25).all()), ious[::2].mean(0)
    assert bool((easy > hard + 0.2).all()), (easy, hard)
    torch.testing.assert_close(scores.mean(0), ious.mean(0), rtol=0, atol=0.05)


@torch.inference_mode()
def _said(student: Tracker, pool: Pool) -> tuple[Tensor, Tensor]:
    """(N, E) the IoU that each exit expects, and the IoU it has."""
    exits = student(to_input(pool.template), to_input(pool.search), every_exit=True).decisions.exits
    ious = [giou(corners(each.boxes), corners(pool.boxes).clamp(0, 1))[1] for each in exits]
    return torch.stack([each.score for each in exits], 1), torch.stack(ious, 1)


def test_scores_are_calibrated_and_nothing_else_moves(uneven: tuple[Tracker, Pool]) -> None:
    teacher, pool = uneven
    recipe, found = replace(RECIPE, batch=8, lr=3e-3, distribution=0.0, feature=0.0), {}
    for passes in (0, 24):
        start = inherit(teacher, replace(teacher.spec, exits=EXITS))
        found[passes] = distill(start, pool, replace(recipe, calibration_passes=passes), steps=20, seed=0, device=CPU)
    before, after = (found[passes].state_dict() for passes in (0, 24))
    moved = {name for name, value in after.items() if not torch.equal(value, before[name])}
    assert moved == {f"exits.{k}.score.{i}.{what}" for k in range(3) for i in (0, 2, 4) for what in ("weight", "bias")}
    missed = {passes: _missed(*_said(student, pool)) for passes, student in found.items()}
    assert bool((missed[24] < 0.6 * missed[0]).all()), missed
    assert not any(parameter.requires_grad for parameter in found[24].parameters())


def _missed(scores: Tensor, ious: Tensor) -> Tensor:
    return (scores - ious).square().mean(0)


def test_what_nothing_was_inherited_for_learns_faster(teacher: Tracker, pool: Pool) -> None:
    """Adam's first step is the learning rate, whatever the gradient."""
    start = inherit(teacher, replace(teacher.spec, exits=EXITS, recycling="d"))
    before = {name: value.clone() for name, value in start.named_parameters()}
    # After one step the average is still a tenth of the way there.
    recipe = replace(RECIPE, static=0.0, warmup=0.0, weight_decay=0.0, calibration_passes=0, new=3.0)
    after = distill(start, pool, recipe, steps=1, seed=0, device=CPU)
    moved = {name: float((value - before[name]).detach().abs().max()) for name, value in after.named_parameters()}
    fast = {name for name in moved if ".score." in name or ".gate." in name}
    slow = max(value for name, value in moved.items() if name not in fast)
    assert {name.split(".")[1] for name in fast if ".gate." in name} == {"1", "2"}
    for name in fast:
        assert moved[name] == pytest.approx(3 * slow, rel=0.05), name


def test_a_fresh_score_hands_on_what_it_reads() -> None:
    """At full width; with weights of deviation 0.02 a 25th of it comes through."""
    torch.manual_seed(0)
    score = build(replace(SPEC, dim=192, heads=3, exits=EXITS)).exits[0].score  # type: ignore[union-attr, index]
    with torch.no_grad():
        read = torch.randn(64, 192)
        assert 0.5 < float(score[:4](read).square().mean().sqrt()) < 2.0
        torch.testing.assert_close(score(read).sigmoid(), torch.full((64, 1), 0.1), rtol=0, atol=0.1)


def test_loss_is_the_weighted_sum_of_its_parts(teacher: Tracker, pool: Pool) -> None:
    student = inherit(teacher, BOTH)
    found, off = (unseen_losses(student, pool, recipe) for recipe in (StudentRecipe(), NOTHING))
    wanted = {
        "imitate_score": 60,
        "imitate_box": 20,
        "feature": 8,
        "sparsity": 5,
        "exits_iou": 5,
        "exits_imitation": 10,
    }
    assert found["loss"] == pytest.approx(off["loss"] + sum(w * found[name] for name, w in wanted.items()), rel=1e-5)


@pytest.mark.parametrize("spec", [replace(SPEC, exits=EXITS), replace(SPEC, bypass=BypassSpec(n_enf=1))])
def test_layers_of_adaptive_students_do_not_fade(teacher: Tracker, pool: Pool, spec: TrackerSpec) -> None:
    with pytest.raises(UsageError, match="without bypass and exits, can fade out; distil this one at once"):
        distill_progressively(teacher, spec, pool, RECIPE, fade_steps=1, steps=1, seed=0, device=CPU)
