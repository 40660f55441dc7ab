"""A tracker to train, its backbone from ImageNet weights."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from compress.core import TrackerSpec
from compress.models import Tracker, build, load_timm
from compress.surgery.inherit import inherit


def start_from_timm(spec: TrackerSpec, source: str | Path) -> Tracker:
    """A network of `spec` in train mode that starts from timm's model, see `load_timm`.

    Where the tracker's layers are narrower than a plain ViT's (ABTrack, MixFormerV2-S), the full layers are filled
    and the most important units and dimensions of each inherited.

    Raises:
        UsageError, FileError: as `load_timm`.
    """
    whole = _whole(spec)
    model = build(whole)
    load_timm(model, source)
    if whole == spec:
        return model
    places = tuple(replace(layer, source=j) for j, layer in enumerate(spec.layers))
    cut = inherit(model, replace(spec, layers=places))
    student = build(spec)
    student.load_state_dict(cut.state_dict())
    return student


def _whole(spec: TrackerSpec) -> TrackerSpec:
    """The spec with layers as wide as a ViT's are."""
    if spec.backbone == "levit":
        return spec
    layers = (replace(x, mlp_hidden=4 * spec.dim, attn_dims=None, mlp_dims=None) for x in spec.layers)
    return replace(spec, layers=tuple(layers))
