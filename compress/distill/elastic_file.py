"""A network of shared weights in one safetensors file, with the ranking that its slices are cut by."""

from __future__ import annotations

import typing
from pathlib import Path
from typing import cast

import torch
from safetensors.torch import save_file
from torch import Tensor

from compress.core import CompressError, TrackerSpec
from compress.core.plain_files import parse_json
from compress.models import build
from compress.models.checkpoints.safetensors_files import open_safetensors
from compress.surgery import Elastic, InputStatistics, Rank

_WEIGHTS, _RANKING = "weights.", "ranking."


def save_elastic(elastic: Elastic, path: Path) -> None:
    """Write weights, ranking and spec."""
    tensors = {_WEIGHTS + name: value for name, value in elastic.model.state_dict().items()}
    for name, each in elastic.ranking.items():
        assert each.importance is not None
        rows = torch.stack([each.mean, each.magnitude, each.importance.float()])
        tensors[_RANKING + name] = rows
    kept = {name: value.detach().cpu().contiguous().clone() for name, value in tensors.items()}
    save_file(kept, path, metadata={"spec": elastic.model.spec.to_json(), "mlp_rank": elastic.mlp_rank})


def read_elastic(path: Path, *, device: torch.device) -> Elastic | None:
    """Inverse of `save_elastic`, in eval mode; None where the file is damaged."""
    try:
        with open_safetensors(path, "network of shared weights", advice="Remove it.") as file:
            about, tensors = file.metadata() or {}, {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        spec = TrackerSpec.from_dict(parse_json(about.get("spec", "")))
        model = build(spec)
        model.load_state_dict(_within(tensors, _WEIGHTS))
        ranking = {name: _statistics(rows.to(device)) for name, rows in _within(tensors, _RANKING).items()}
    except (CompressError, ValueError, RuntimeError):
        return None
    if about.get("mlp_rank") not in typing.get_args(Rank):
        return None
    return Elastic(model.to(device).eval(), ranking, cast(Rank, about["mlp_rank"]))


def _statistics(rows: Tensor) -> InputStatistics:
    mean, magnitude, importance = rows
    return InputStatistics(mean, magnitude, 1, importance)


def _within(tensors: dict[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {name.removeprefix(prefix): value for name, value in tensors.items() if name.startswith(prefix)}
