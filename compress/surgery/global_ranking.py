"""Widths of layers by one ranking of all their units, in place of the same width everywhere (ABTrack, Table 8)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

import torch
from torch import Tensor

from compress.core import LayerSpec, TrackerSpec, UsageError
from compress.models import Tracker
from compress.surgery.compatibility import check_fit
from compress.surgery.importance import observe

_LINEARS = {"mlp_hidden": "mlp.fc2", "attn_dims": "attn.qkv", "mlp_dims": "mlp.fc1"}
"""What each width is the number of inputs of."""


def ranked_across_layers(teacher: Tracker, spec: TrackerSpec, calibration: tuple[Tensor, Tensor]) -> TrackerSpec:
    """`spec` with as many hidden units and dimensions in all, but more of them in the layers whose units matter more.

    Units of all layers are ranked together by what ranks them within one, mean |input| · ‖column of weights‖: what
    they add to tokens of one stream. Every layer keeps at least one unit, or one dimension a head on the attention
    side. Multiply-accumulates stay nearly the same; the layers differ in shape, so latency is to be measured anew.

    Args:
        calibration: Normalised crops (template, search), as of `inherit`.

    Raises:
        UsageError: layers of several widths; or as `inherit`.
    """
    if len(spec.group_ends) > 1:
        raise UsageError(f"Units are ranked across layers of one width, but this {spec.backbone} has several.")
    check_fit(teacher.spec, spec)
    observed, backbone = observe(teacher, *calibration), teacher.get_submodule("backbone")
    layers = list(spec.layers)
    for field, linear in _LINEARS.items():
        wanted = [getattr(layer, field) for layer in layers]
        step = spec.heads if field == "attn_dims" else 1
        if None in wanted or wanted == [_whole(field, teacher.spec, layer) for layer in layers]:
            continue
        names = [f"blocks.{layer.source}.{linear}" for layer in layers]
        norms = (backbone.get_parameter(f"{name}.weight").detach().norm(dim=0) for name in names)
        scores = [observed[name].magnitude * norm for name, norm in zip(names, norms, strict=True)]
        # A dimension that all layers keep is none that is reduced; the spec says so by a width below the whole one.
        most = None if field == "mlp_hidden" else spec.dim - step
        widths = widths_of(scores, sum(wanted), step=step, most=most)
        layers = [
            replace(layer, **{field: width})  # type: ignore[arg-type]
            for layer, width in zip(layers, widths, strict=True)
        ]
    return replace(spec, layers=tuple(layers))


def widths_of(scores: Iterable[Tensor], total: int, *, step: int = 1, most: int | None = None) -> list[int]:
    """How many units each layer keeps so that the highest scores of all are kept, `total` together.

    Args:
        scores: Of the units of each layer.
        step: Units are kept in groups of so many of one layer, ranked by their mean; each layer keeps one group.
        most: Units that a layer keeps at most.
    """
    groups = [_groups(each, step)[: most and most // step] for each in scores]
    kept = [1] * len(groups)
    further = torch.cat([each[1:] for each in groups])
    owner = torch.cat([torch.full((len(each) - 1,), i) for i, each in enumerate(groups)])
    for i in owner[further.argsort(descending=True, stable=True)[: total // step - len(groups)]].tolist():
        kept[i] += 1
    return [step * count for count in kept]


def _groups(scores: Tensor, step: int) -> Tensor:
    """Means of groups of so many, falling, so that those kept first are a layer's highest ones."""
    falling = scores.sort(descending=True).values
    return falling[: len(falling) // step * step].reshape(-1, step).mean(1)


def _whole(field: str, teacher: TrackerSpec, layer: LayerSpec) -> int:
    found: int | None = getattr(teacher.layers[layer.source], field)
    return teacher.dim if found is None else found
