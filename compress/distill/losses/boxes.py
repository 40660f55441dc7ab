"""Overlaps of boxes as losses count them."""

from __future__ import annotations

import math

import torch
from torch import Tensor

_EPS = 1e-7


def corners(boxes: Tensor) -> Tensor:
    """(…, 4) cx, cy, w, h to x1, y1, x2, y2."""
    return torch.cat([boxes[..., :2] - boxes[..., 2:] / 2, boxes[..., :2] + boxes[..., 2:] / 2], dim=-1)


def giou(a: Tensor, b: Tensor) -> tuple[Tensor, Tensor]:
    """Generalised IoU and IoU of (…, 4) corner boxes, each (…). A box turned inside out has no area."""
    inner = (torch.minimum(a[..., 2:], b[..., 2:]) - torch.maximum(a[..., :2], b[..., :2])).clamp_min(0).prod(-1)
    outer = (torch.maximum(a[..., 2:], b[..., 2:]) - torch.minimum(a[..., :2], b[..., :2])).clamp_min(0).prod(-1)
    union = _area(a) + _area(b) - inner
    iou = inner / union.clamp_min(1e-9)
    return iou - (outer - union) / outer.clamp_min(1e-9), iou


def ciou(a: Tensor, b: Tensor) -> tuple[Tensor, Tensor]:
    """Complete IoU, in [−1, 1], and IoU of (…, 4) corner boxes, each (…), as MixFormerV2's code computes it.

    The aspect ratio counts where the IoU exceeds 1/2 only, and its weight is a constant to the gradient.
    """
    _, iou = giou(a, b)
    reach = (torch.maximum(a[..., 2:], b[..., 2:]) - torch.minimum(a[..., :2], b[..., :2])).clamp_min(0)
    between = (a[..., :2] + a[..., 2:] - b[..., :2] - b[..., 2:]) / 2
    distance = between.square().sum(-1) / (reach.square().sum(-1) + _EPS)
    aspect = 4 / math.pi**2 * (_angle(b) - _angle(a)).square()
    with torch.no_grad():
        weight = (iou > 0.5) * aspect / (1 - iou + aspect).clamp_min(_EPS)
    return (iou - distance - weight * aspect).clamp(-1, 1), iou


def _area(box: Tensor) -> Tensor:
    return (box[..., 2:] - box[..., :2]).clamp_min(0).prod(-1)


def _angle(box: Tensor) -> Tensor:
    w, h = (box[..., 2:] - box[..., :2]).unbind(-1)
    return torch.atan(w / (h + _EPS))
