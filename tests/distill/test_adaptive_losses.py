"""Losses of bypass and exits, against hand computation and on real networks."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from compress.core import BypassSpec, ExitSpec, HeadSpec
from compress.distill.losses import ground_truth_loss
from compress.distill.losses.adaptive import (
    ImitationAttention,
    difficulty,
    exits_parts,
    self_imitation_loss,
    sparsity_loss,
    sparsity_target,
)
from compress.distill.losses.boxes import corners, giou
from compress.models import build
from compress.testing.small_trackers import SPEC

BOXES = torch.tensor([[0.5, 0.5, 0.2, 0.4], [0.3, 0.4, 0.2, 0.2], [0.6, 0.5, 0.4, 0.4]])


@pytest.mark.parametrize(("zeta", "targets"), [(-0.1, [0.45, 0.35]), (0.1, [0.35, 0.45]), (0.0, [0.4, 0.4])])
def test_target_follows_difficulty(zeta: float, targets: list[float]) -> None:
    """Losses of 0.2 and 1.2 lie 0.5 to either side of their mean; below 0, ζ lets the harder frame skip less."""
    bypass = BypassSpec(tau0=0.4, zeta=zeta)
    torch.testing.assert_close(sparsity_target(torch.tensor([0.2, 1.2]), bypass), torch.tensor(targets))


def test_target_is_a_share() -> None:
    steep = sparsity_target(torch.tensor([0.0, 2.0]), BypassSpec(tau0=0.9, zeta=-1.0))
    assert steep.tolist() == [1.0, 0.0]


def test_sparsity_loss_by_hand() -> None:
    """Of three layers the first frame skips one and the second two, targets 0.45 and 0.35: (0.117 + 0.317) / 2."""
    probabilities = torch.tensor([[0.1, 0.2, 0.6], [0.5, 0.6, 0.7]], requires_grad=True)
    loss = sparsity_loss(probabilities, probabilities > 0.5, torch.tensor([0.2, 1.2]), BypassSpec())
    np.testing.assert_allclose(float(loss.detach()), (0.45 - 1 / 3 + 2 / 3 - 0.35) / 2, atol=1e-6)
    loss.backward()
    expected = torch.tensor([[-1.0] * 3, [1.0] * 3]) / 6
    torch.testing.assert_close(probabilities.grad, expected)


def test_probabilities_at_the_target_that_skip_nothing_are_not_enough() -> None:
    probabilities = torch.full((2, 5), 0.4, requires_grad=True)
    loss = sparsity_loss(probabilities, probabilities > 0.5, torch.zeros(2), BypassSpec(tau0=0.4))
    np.testing.assert_allclose(float(loss.detach()), 0.4, atol=1e-6)
    loss.backward()
    assert probabilities.grad is not None
    assert bool((probabilities.grad < 0).all())


def test_difficulty_is_each_frames_giou_loss() -> None:
    """A box twice as wide as the truth has GIoU 1/2; the right one costs nothing."""
    predicted = torch.tensor([[0.5, 0.5, 0.4, 0.4], [0.3, 0.4, 0.2, 0.2]], requires_grad=True)
    found = difficulty(predicted, BOXES[:2])
    np.testing.assert_allclose(found, [0.5, 0.0], atol=1e-6)
    assert not found.requires_grad


def _features(seed: int) -> torch.Tensor:
    return torch.randn(2, 5, 3, generator=torch.Generator().manual_seed(seed))


def test_attention_is_even_at_first_and_then_what_it_says() -> None:
    attention = ImitationAttention(3)
    student, last = _features(0), _features(1)
    torch.testing.assert_close(attention(student, last), student / 4)
    torch.nn.init.normal_(attention.spatial.weight)
    torch.nn.init.normal_(attention.channel.weight)
    found = attention(student, last)
    for b in range(2):
        weights = last[b].exp() / last[b].exp().sum(0)
        channel = torch.sigmoid(attention.channel.weight @ (weights * last[b]).sum(0))
        for n in range(5):
            spatial = torch.sigmoid((attention.spatial.weight[0, :, 0] * last[b, n]).sum())
            torch.testing.assert_close(found[b, n], student[b, n] * spatial * channel)


def test_self_imitation_by_hand() -> None:
    """Of two early exits one points where the last one does and one across: 1 − (1 + 0) / 2."""
    last = torch.tensor([[[1.0, 0.0], [0.0, 2.0]]], requires_grad=True)
    across = torch.tensor([[[0.0, 1.0], [3.0, 0.0]]], requires_grad=True)
    attentions = [ImitationAttention(2) for _ in range(2)]
    loss = self_imitation_loss([3 * last.detach(), across, last], attentions)
    np.testing.assert_allclose(float(loss.detach()), 0.5, atol=1e-6)
    loss.backward()
    assert last.grad is None
    assert across.grad is not None
    assert bool(across.grad.any())


@pytest.mark.parametrize("head", [HeadSpec(channels=8), HeadSpec(kind="corner", channels=8)], ids=["centre", "corner"])
def test_exits_of_a_real_network(head: HeadSpec) -> None:
    torch.manual_seed(0)
    model = build(replace(SPEC, head=head, exits=(ExitSpec(1, adapter=1), ExitSpec(2), ExitSpec(4)))).train()
    attentions = torch.nn.ModuleList(ImitationAttention(SPEC.dim) for _ in range(2))
    decisions = model(torch.randn(3, 3, 32, 32), torch.randn(3, 3, 64, 64)).decisions
    assert decisions is not None
    parts = exits_parts(decisions.exits, decisions.features, BOXES, attentions)
    located, missed = torch.zeros(()), torch.zeros(())
    for k, answer in enumerate(decisions.exits):
        located += ground_truth_loss(answer.maps, BOXES)["loss"]
        overlap = giou(corners(answer.boxes), corners(BOXES))[1]
        missed += (answer.score - overlap).square().mean()
        torch.testing.assert_close(parts["iou" if k == 2 else f"iou{k}"], overlap.mean())
    torch.testing.assert_close(parts["loss"], located)
    torch.testing.assert_close(parts["exits_iou"], missed)
    torch.testing.assert_close(parts["exits_imitation"], self_imitation_loss(decisions.features, attentions))
    (parts["loss"] + parts["exits_iou"] + parts["exits_imitation"]).backward()
    idle = {name for name, p in model.named_parameters() if p.grad is None or not bool(p.grad.isfinite().all())}
    assert not idle
    assert all(p.grad is not None for p in attentions.parameters())


def test_a_single_exit_has_nothing_to_imitate() -> None:
    model = build(replace(SPEC, exits=(ExitSpec(4),))).train()
    decisions = model(torch.randn(3, 3, 32, 32), torch.randn(3, 3, 64, 64)).decisions
    assert exits_parts(decisions.exits, decisions.features, BOXES, ()).keys() == {"loss", "exits_iou", "iou"}
