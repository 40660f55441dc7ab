"""Feature distillation: which layers of a student reproduce which of its teacher's, and how far they are from it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor
from torch.nn import functional as F

from compress.core import TrackerSpec
from compress.distill.parallel import counted_mean

_UNNORMALISED = ("pyramid", "tokens")
"""Heads of the trackers that are published with distillation of features as they are (MixViT, MixFormerV2)."""


def feature_distillation(
    student: TrackerSpec,
    features: Sequence[Tensor],
    teacher: TrackerSpec,
    targets: Mapping[int, Tensor],
    *,
    last: bool = False,
) -> dict[str, Tensor]:
    """`feature`, or `feature_raw` where features are compared as they are: the mean loss over the matched layers.

    Args:
        features: The student's search tokens (B, N, d) after each of its layers.
        targets: The teacher's, by layer; matched layers that are not there do not count, the last one always is.
        last: Of the matched layers the last one alone.
    """
    raw = student.head.kind in _UNNORMALISED
    matched = [(k, i) for k, i in matched_layers(student, teacher).items() if i in targets]
    matched = matched[-1:] if last else matched
    eliminated = bool(student.eliminating or teacher.eliminating)
    losses = [
        feature_loss(features[k].float(), targets[i], normalised=not raw, eliminated=eliminated) for k, i in matched
    ]
    return {"feature_raw" if raw else "feature": torch.stack(losses).mean()}


def feature_loss(features: Tensor, teacher: Tensor, *, normalised: bool = True, eliminated: bool = True) -> Tensor:
    """Mean squared difference of the (B, N, d) tokens of one matched layer.

    Tokens that either side has eliminated, which are all zero, are left out; the others are counted over all processes,
    see `counted_mean`.

    Args:
        normalised: Each token is normalised over d first; MixFormerV2 (Eq. 6) compares them as they are.
        eliminated: Whether either side may have eliminated any; otherwise none is looked for.
    """
    alive = teacher.any(-1) & features.any(-1) if eliminated else None
    if normalised:
        features, teacher = (F.layer_norm(x, x.shape[-1:]) for x in (features, teacher))
    per_token = (features - teacher).square().mean(-1)
    return per_token.mean() if alive is None else counted_mean((per_token * alive).sum(), alive.sum())


def matched_layers(student: TrackerSpec, teacher: TrackerSpec) -> dict[int, int]:
    """For each student layer, the teacher layer whose output it should reproduce.

    What follows student layer k is the copy of teacher layer s(k+1), so its input, the output of teacher layer
    s(k+1) − 1, is what layer k must put out. The last layer, or the last of a LeViT's stage, is followed by what took
    in the teacher's last output: the head, or shrinking and bridge.
    """
    sources = [layer.source for layer in student.layers]
    ends = student.group_ends
    last = {layer.stage: i for i, layer in enumerate(teacher.layers)}
    return {k: last[layer.stage] if k in ends else sources[k + 1] - 1 for k, layer in enumerate(student.layers)}


def distilled_layers(spec: TrackerSpec) -> list[int]:
    """The teacher's layers whose tokens are kept: every third, ending with the last; of a LeViT each stage's last."""
    ends, depth = spec.group_ends, len(spec.layers)
    return ends if len(ends) > 1 else list(range((depth - 1) % 3, depth, 3))
