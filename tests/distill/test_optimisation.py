"""Schedule and averages of torch's against the formulas that trainings here have always had."""

from __future__ import annotations

import copy
import math

import pytest
import torch
from torch import nn

from compress.distill import TrainerSettings
from compress.distill.optimisation import averaged, optimiser, scheduled, warmup_cosine
from compress.models import build
from compress.testing.small_trackers import SPEC


def _rate(step: int, steps: int, peak: float, warmup: int) -> float:
    if step < warmup:
        return peak * (step + 1) / warmup
    share = (step - warmup) / max(1, steps - warmup)
    return peak * (0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * min(1.0, share))))


@pytest.mark.parametrize(("steps", "warmup"), [(20, 0), (20, 3), (7, 7), (1, 0), (5, 9)])
@pytest.mark.parametrize("start", [0, 1, 4])
def test_every_step_has_the_formulas_rate(steps: int, warmup: int, start: int) -> None:
    model = nn.Linear(2, 2)
    descent = optimiser(model, 5e-4, 0.02, scale=lambda name: 4.0 if name == "bias" else 1.0)
    schedule = warmup_cosine(descent, steps, warmup, start=start)
    for step in range(start, steps):
        for group, scale in zip(descent.param_groups, (1.0, 4.0), strict=True):
            assert group["lr"] == pytest.approx(scale * _rate(step, steps, 5e-4, warmup), rel=1e-12)
        descent.step()
        schedule.step()


def test_it_warms_up_and_decays_to_a_hundredth() -> None:
    descent = optimiser(nn.Linear(1, 1), 1.0, 0.0)
    schedule = warmup_cosine(descent, 100, 10)
    rates = []
    for _ in range(101):
        rates.append(descent.param_groups[0]["lr"])
        descent.step()
        schedule.step()
    assert rates[0] == pytest.approx(0.1)
    assert max(rates) == pytest.approx(1.0)
    assert rates[55] == pytest.approx(0.505)
    assert rates[100] == pytest.approx(0.01)


def test_averaged_weights_follow_the_formula() -> None:
    """Bit for bit: the average begins at the first weights and forgets them soon; statistics are the last ones."""
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4))
    by_hand = copy.deepcopy(model)
    average = averaged(model, decay=0.8)
    for n in range(1, 60):
        model(torch.randn(8, 3))
        with torch.no_grad():
            for parameter in model.parameters():
                parameter.normal_()
            decay = min(0.8, n / (n + 10))
            for mine, value in zip(by_hand.parameters(), model.parameters(), strict=True):
                mine.lerp_(value, 1 - decay)
            for mine, value in zip(by_hand.buffers(), model.buffers(), strict=True):  # type: ignore[assignment]
                mine.copy_(value)
        average.update_parameters(model)
        found = average.module.state_dict()
        assert all(torch.equal(found[name], value) for name, value in by_hand.state_dict().items()), n
    assert not average.module.training
    assert not any(parameter.requires_grad for parameter in average.parameters())


def test_the_first_average_by_hand() -> None:
    model = nn.Linear(1, 1)
    nn.init.zeros_(model.weight)
    average = averaged(model, decay=0.5)
    nn.init.ones_(model.weight)
    for wanted in (1 - 1 / 11, 1 - 2 / 12 * 1 / 11):
        average.update_parameters(model)
        assert float(average.module.weight) == pytest.approx(wanted)


def test_vectors_and_positions_are_not_decayed() -> None:
    groups = optimiser(build(SPEC), 1e-3, 0.1).param_groups
    assert {group["weight_decay"] for group in groups} == {0.0, 0.1}
    assert all(p.ndim >= 2 for p in groups[0]["params"])
    assert any(p.ndim == 3 for p in groups[1]["params"])


def test_published_trainings_decay_all() -> None:
    groups = optimiser(build(SPEC), 1e-3, 0.1, decayed="all", beta2=0.999).param_groups
    assert [group["weight_decay"] for group in groups] == [0.1]
    assert groups[0]["betas"] == (0.9, 0.999)


@pytest.mark.parametrize("start", [0, 3, 7])
def test_the_step_schedule_drops_once(start: int) -> None:
    """Full rate up to the step that the drop is at, a tenth from it on; a resumed one is in its midst."""
    settings = TrainerSettings(10, 1.0, 2, 0.0, 0.0, 1, schedule="step", drop=6)
    descent = optimiser(nn.Linear(1, 1), 1.0, 0.0)
    schedule = scheduled(descent, settings, start=start)
    rates = []
    for _ in range(start, 10):
        rates.append(round(descent.param_groups[0]["lr"], 9))
        descent.step()
        schedule.step()
    assert rates == [0.5, 1.0, 1.0, 1.0, 1.0, 1.0, 0.1, 0.1, 0.1, 0.1][start:]
