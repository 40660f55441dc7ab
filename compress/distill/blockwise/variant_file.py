"""One variant of a layer in a safetensors file: its tensors and its score."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

import torch
from safetensors.torch import save_file

from compress.core import CompressError
from compress.core.plain import from_plain
from compress.core.plain_files import parse_json
from compress.distill.blockwise.layer_work import MadeVariant
from compress.distill.blockwise.scoring import VariantScore
from compress.models.checkpoints.safetensors_files import open_safetensors


def save_variant(made: MadeVariant, path: Path) -> None:
    """Write tensors and score."""
    kept = {name: value.detach().cpu().contiguous().clone() for name, value in made.state.items()}
    save_file(kept, path, metadata={"score": json.dumps(asdict(made.score))})


def read_variant(path: Path, *, device: torch.device) -> MadeVariant | None:
    """Inverse of `save_variant`; None where the file is damaged."""
    try:
        with open_safetensors(path, "variant of a layer", advice="Remove it.") as file:
            about = file.metadata() or {}
            state = {name: file.get_tensor(name).to(device) for name in file.keys()}  # noqa: SIM118
        return MadeVariant(state, from_plain(VariantScore, parse_json(about.get("score", "")), "score"))
    except (CompressError, ValueError, RuntimeError):
        return None
