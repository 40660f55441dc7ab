"""Training shared weights: which students a step has, that all of them learn, and that a stopped run continues."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from compress.core import CompressError
from compress.core.cost import macs
from compress.distill import Checkpoint, Pool, StudentRecipe, distill_elastic, recalibrated, to_input
from compress.distill.elastic import ElasticObjective, Sandwich, largest, smallest
from compress.distill.objective import static_objective
from compress.models import Tracker
from compress.spaces import Space, load_space
from compress.surgery import Elastic, elastic_network, inherit
from compress.testing.small_trackers import LEVIT, SPEC, awake
from compress.testing.unseen_pairs import seen_pairs, unseen_losses

CPU = torch.device("cpu")
RECIPE = StudentRecipe(batch=8, lr=1e-3, ema=0.9)
STATIC = Space(
    "static", {"depth": (2, 3, 4), "interaction": ("joint", "1/2"), "mlp_ratio": (1, 2), "dr_ratio": (0, 0.5)}
)
ADAPTIVE = Space("adaptive", {"depth": (3, 4), "bypass": ("learned",), "exits": ("never", "1/2"), "adapters": (1,)})
Made = Callable[[str], tuple[Tracker, Pool]]


def _network(teacher: Tracker, pool: Pool, space: Space) -> Elastic:
    return elastic_network(teacher, space, (to_input(pool.template[:16]), to_input(pool.search[:16])))


@pytest.mark.parametrize(("name", "least", "attention"), [("ostrack", 2, "split"), ("full", 1, "joint")])
def test_the_largest_and_the_smallest(name: str, least: int, attention: str) -> None:
    """Of all knobs, one joint layer that eliminates does less than one that sees a template apart."""
    space, teacher = load_space(name), SPEC
    sample = Sandwich(teacher, space, seed=0, random=60)(0)
    costs = [macs(spec).full for spec in sample]
    assert costs[-2] == max(costs)
    assert costs[-1] == min(costs)
    assert len(largest(space, teacher).layers) == 4
    assert len(smallest(space, teacher).layers) == least
    assert smallest(space, teacher).attention == attention
    assert any(layer.keep for layer in smallest(space, teacher).layers) == (name == "full")


def test_the_students_of_a_step_are_always_the_same() -> None:
    space = load_space("full")
    steps = [Sandwich(SPEC, space, seed=3)(step) for step in range(4)]
    assert steps == [Sandwich(SPEC, space, seed=3)(step) for step in range(4)]
    assert [len(students) for students in steps] == [5, 3, 3, 3]
    assert len({students[:3] for students in steps}) == 4
    assert Sandwich(SPEC, space, seed=4)(0)[:3] != steps[0][:3]


def test_gradients_are_those_of_the_mean_loss(awake_teacher: Made) -> None:
    """Gathered one after the other, as if all students had been in one graph."""
    teacher, pool = awake_teacher("levit")
    students = [LEVIT, replace(LEVIT, layers=LEVIT.layers[::2])]
    elastic = _network(teacher, pool, load_space("hit"))
    elastic.model.train()
    batch = pool.batch(torch.arange(8), CPU)
    parts = ElasticObjective(elastic, lambda step: students, RECIPE, 0)(batch, 0)
    parts["loss"].backward()
    losses = []
    clones = [inherit(teacher, spec).train() for spec in students]
    for clone in clones:
        for name, module in clone.named_modules():
            if name.startswith(("backbone.", "bridge.")):
                module.eval()
        losses.append(static_objective(clone, batch, RECIPE)["loss"])
    torch.testing.assert_close(parts["loss"], torch.stack(losses).mean())
    torch.stack(losses).mean().backward()
    name = "backbone.blocks.{}.mlp.fc1.linear.weight"
    own = [clones[0].get_parameter(name.format(2)).grad, clones[1].get_parameter(name.format(1)).grad]
    torch.testing.assert_close(elastic.model.get_parameter(name.format(2)).grad, own[0] + own[1])  # type: ignore[operator]


def test_students_between_the_ends_learn_too(awake_teacher: Made) -> None:
    teacher, pool = awake_teacher("centre")
    elastic = _network(teacher, pool, STATIC)
    layers = tuple(replace(layer, mlp_hidden=32) for layer in (SPEC.layers[0], SPEC.layers[2], SPEC.layers[3]))
    student = replace(SPEC, layers=layers)
    before = unseen_losses(elastic.slice(student), pool)
    seen: list[Mapping[str, float] | None] = []
    found = distill_elastic(
        elastic,
        STATIC,
        seen_pairs(pool),
        RECIPE,
        steps=30,
        seed=0,
        device=CPU,
        random=1,
        progress=lambda text, share, figures=None: seen.append(figures),
    )
    assert not found.model.training
    assert seen[-1] is not None
    assert seen[-1].keys() == {"loss", "iou"}
    after = unseen_losses(recalibrated(found.slice(student), pool, device=CPU), pool)
    assert after["loss"] < 0.95 * before["loss"]


class _Stopped(Exception):
    pass


@pytest.mark.parametrize("stop", [1, 3])
def test_a_stopped_training_continues(awake_teacher: Made, tmp_path: Path, stop: int) -> None:
    """With bypass and exits, in the static stage and behind it."""
    teacher, pool = awake_teacher("centre")
    run = {"steps": 4, "seed": 3, "device": CPU, "random": 1}
    recipe = StudentRecipe(batch=2, static=0.5)

    def until(text: str, share: float, figures: Mapping[str, float] | None = None) -> None:
        if share * 4 > stop:
            raise _Stopped

    def network() -> Elastic:
        return _network(teacher, pool, ADAPTIVE)

    whole = distill_elastic(network(), ADAPTIVE, pool, recipe, **run)  # type: ignore[arg-type]
    kept = Checkpoint(tmp_path / "elastic.safetensors", every_s=0.0)
    with pytest.raises(_Stopped):
        distill_elastic(network(), ADAPTIVE, pool, recipe, checkpoint=kept, progress=until, **run)  # type: ignore[arg-type]
    found = distill_elastic(network(), ADAPTIVE, pool, recipe, checkpoint=kept, **run)  # type: ignore[arg-type]
    state = whole.model.state_dict()
    assert all(torch.equal(value, state[name]) for name, value in found.model.state_dict().items())
    assert _changed(network(), whole, "exits.") | _changed(network(), whole, "bypass.")


def _changed(before: Elastic, after: Elastic, prefix: str) -> set[str]:
    names = [name for name, _ in before.model.named_parameters() if name.startswith(prefix)]
    return {n for n in names if not torch.equal(before.model.get_parameter(n), after.model.get_parameter(n))}


def test_a_training_that_diverges_says_so(awake_teacher: Made) -> None:
    teacher, pool = awake_teacher("centre")
    with pytest.raises(CompressError, match="diverged"):
        distill_elastic(
            _network(teacher, pool, STATIC), STATIC, pool, replace(RECIPE, lr=1e30), steps=5, seed=0, device=CPU
        )


def _head_norms(model: Tracker) -> list[torch.nn.BatchNorm2d]:
    return [module for module in model.modules() if isinstance(module, torch.nn.BatchNorm2d)]


def test_statistics_are_those_of_the_students_own_features(awake_teacher: Made) -> None:
    """Whatever they were; and without training mode anywhere else."""
    teacher, pool = awake_teacher("centre")
    student = inherit(teacher, replace(SPEC, layers=SPEC.layers[:2]))
    for norm in _head_norms(student):
        norm.running_mean.fill_(100.0)  # type: ignore[union-attr]
    seen: list[torch.Tensor] = []
    first = _head_norms(student)[0]
    momenta = [norm.momentum for norm in _head_norms(student)]
    hook = first.register_forward_pre_hook(lambda _module, inputs: seen.append(inputs[0]))
    found = recalibrated(student, pool, device=CPU, pairs=64, batch=32)
    hook.remove()
    assert found is student
    assert not any(module.training for module in student.modules())
    assert [norm.momentum for norm in _head_norms(student)] == momenta
    torch.testing.assert_close(first.running_mean, torch.cat(seen).mean((0, 2, 3)))
    assert unseen_losses(student, pool)["loss"] > 0


def test_a_student_without_batch_norms_stays_as_it_is(awake_teacher: Made) -> None:
    _, pool = awake_teacher("tokens")
    student = awake(pool.teacher)
    before = {name: value.clone() for name, value in student.state_dict().items()}
    after = recalibrated(student, pool, device=CPU).state_dict()
    assert all(torch.equal(value, before[name]) for name, value in after.items())
