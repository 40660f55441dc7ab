"""ImageNet weights of timm's models as the start of a tracker's backbone. Nothing is ever downloaded."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from compress.core import FileError, TrackerSpec, UsageError
from compress.core.errors import unknown_name
from compress.core.text import printable
from compress.geometry.crop import MEAN, STD
from compress.models.checkpoints.layouts.layout import TIMM_LAYOUTS, TimmLayout, weight
from compress.models.checkpoints.matching import NOT_ADAPTABLE, damage, misfits
from compress.models.checkpoints.weights import read_weights
from compress.models.tracker import Tracker

_FILES = (".safetensors", ".pth", ".pt", ".bin", ".tar")


@dataclass(frozen=True)
class _Source:
    """A file of weights, and the mean and deviation of the pixels (in [0, 1]) they were trained on."""

    path: Path
    mean: tuple[float, ...] = MEAN
    std: tuple[float, ...] = STD


def load_timm(model: Tracker, source: str | Path) -> int:
    """Start the backbone of `model` from timm's ViT, DeiT or LeViT; head and learned tokens stay as they are.

    Args:
        source: A file (safetensors or PyTorch) in timm's layout, whose model is taken to expect ImageNet's mean and
            deviation, or a timm model's name such as `deit_tiny_patch16_224`, which must be in timm's cache.

    Returns:
        How many tensors were filled.

    Raises:
        UsageError: a name timm does not know, or a model of other widths, heads or blocks than the tracker's.
        FileError: the file is missing or damaged, or the named model is not in the cache.
    """
    state = timm_weights(model.spec, source)
    wanted, fills = model.state_dict(), _layout(model.spec).fills
    problem = misfits({k: v for k, v in wanted.items() if k in state or k.startswith(fills)}, state)
    if problem:
        raise UsageError(f"{source} cannot start this tracker: {problem}. Choose a model of the tracker's own shape.")
    damaged = damage(model.spec, wanted, state)
    if damaged:
        raise FileError(f"{source} {damaged}")
    model.load_state_dict(wanted | state)
    return len(state)


def timm_weights(spec: TrackerSpec, source: str | Path) -> dict[str, Tensor]:
    """What `load_timm` takes from `source`: tensors under `backbone.` of the state dict of `spec`'s network.

    Raises:
        As `load_timm`.
    """
    layout, found = _layout(spec), _find(source)
    state = read_weights(found.path)
    try:
        ours = layout.adapt(state, spec)
        return ours if layout.pixels is None else ours | _for_our_pixels(ours, layout.pixels, found)
    except NOT_ADAPTABLE as error:
        reason = printable(error.args[0] if isinstance(error, KeyError) else error, most=200)
        raise UsageError(f"{source} cannot start this tracker: {reason}. Choose another timm model.") from error


def _layout(spec: TrackerSpec) -> TimmLayout:
    layout = TIMM_LAYOUTS[spec.backbone]
    if layout is None:
        raise UsageError(
            f"No model of timm's can start a tracker with the backbone {spec.backbone}. Start from fresh weights."
        )
    return layout


def _for_our_pixels(state: dict[str, Tensor], convolution: str, source: _Source) -> dict[str, Tensor]:
    """The convolution that reads the crops, for ours, where the model was trained on others; exact."""
    ours, theirs = (torch.tensor([MEAN, STD]), torch.tensor([source.mean, source.std]))
    rows = weight(state, f"{convolution}.weight").float()
    if rows.dim() != 4 or rows.shape[1] != len(MEAN):
        raise ValueError(f"{convolution}.weight is no convolution of {len(MEAN)} channels")
    bias = weight(state, f"{convolution}.bias", (len(rows),)).float()
    shift = rows.sum((2, 3)) @ ((ours[0] - theirs[0]) / theirs[1])
    changed = {"weight": rows * (ours[1] / theirs[1])[:, None, None], "bias": bias + shift}
    return {f"{convolution}.{kind}": value for kind, value in changed.items()}


def _find(source: str | Path) -> _Source:
    path = Path(source)
    if path.is_file() or path.suffix in _FILES or len(path.parts) > 1:
        return _Source(path)
    import timm  # slow to load, and needed for names only

    try:
        config: Any = timm.get_pretrained_cfg(str(source))
    except RuntimeError:  # the model is known and the tag behind its dot is not
        config = None
    if config is None:
        raise unknown_name("timm model", str(source), timm.list_pretrained(["vit_*", "deit*", "levit_*"]))
    cached = _cached(config)
    if cached is None:
        raise FileError(
            f"timm's cache does not hold the weights of {source}, and they are not downloaded from here. Fetch them "
            f"with timm.create_model({str(source)!r}, pretrained=True), or give a file in place of the name."
        )
    return _Source(cached, tuple(config.mean), tuple(config.std))


def _cached(config: Any) -> Path | None:
    """Where timm keeps a model's weights on this machine: the Hugging Face cache, or PyTorch's."""
    from huggingface_hub import try_to_load_from_cache

    for name in filter(None, (config.hf_hub_filename, "model.safetensors", "pytorch_model.bin")):
        found = try_to_load_from_cache(config.hf_hub_id, name) if config.hf_hub_id else None
        if isinstance(found, str):
            return Path(found)
    place = Path(torch.hub.get_dir()) / "checkpoints" / (config.url or "").rsplit("/", 1)[-1]
    return place if place.is_file() and place.suffix in _FILES else None
