"""A student's weights from its teacher's: layers chosen, MLPs cut, dimensions reduced.

Inheriting with the teacher's own spec reproduces the teacher bit for bit, and cutting units that contribute
nothing leaves the function as it was; the tests hold both.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Literal

import torch
from torch import Tensor

from compress.core import TrackerSpec, UsageError
from compress.models import Tracker, build, load_timm
from compress.surgery.compatibility import check_fit
from compress.surgery.importance import InputStatistics, observe
from compress.surgery.registry import SURGERY

Rank = Literal["importance", "leading"]


def inherit(
    teacher: Tracker,
    spec: TrackerSpec,
    *,
    mlp_rank: Rank = "importance",
    calibration: tuple[Tensor, Tensor] | Mapping[str, InputStatistics] | None = None,
) -> Tracker:
    """A student of `spec` whose layer j starts from the teacher's layer `spec.layers[j].source`.

    Embeddings, final norm and head are copied, positions interpolated where crops are of another size. A change of
    attention, or of candidate elimination, keeps the weights. Dimensions are ranked within each layer (ABTrack,
    Table 8), values within each head. What the teacher does not have (prediction tokens in place of corner maps,
    bypass, exits) is drawn anew, always alike. Of a LeViT the stem, the shrink attentions and the bridge are copied.

    Args:
        mlp_rank: Hidden units to keep: the first ones, which are the leading rows and columns of the two matrices
            (MixFormerV2, §3.2.2), or the most important ones. Without calibration the importance is
            ‖row of fc1‖·‖column of fc2‖, with it the mean |activation|·‖column of fc2‖.
        calibration: Normalised crops (template (B, 3, Sz, Sz), search (B, 3, Sx, Sx)). What removed units
            contribute on the average then goes into the biases, whichever units are removed. Or what was observed of
            such crops before, see `observe`.

    Returns:
        The student on the teacher's device and in its mode, sharing no memory with it.

    Raises:
        UsageError: a source layer or width the teacher does not have, or specs that differ in what is shared.
    """
    if mlp_rank not in ("importance", "leading"):
        raise UsageError(f"mlp_rank must be 'importance' or 'leading' but is {mlp_rank!r}.")
    check_fit(teacher.spec, spec)
    observed = observe(teacher, *calibration) if isinstance(calibration, tuple) else calibration
    with torch.no_grad():
        state = SURGERY[spec.backbone].cut(teacher, spec, observed, leading=mlp_rank == "leading")
    with torch.device("meta"):  # nothing is drawn only to be overwritten
        student = build(spec)
    student.load_state_dict({k: v.detach().clone() for k, v in state.items()}, assign=True)
    return student.to(_device(teacher)).train(teacher.training)


def _device(model: Tracker) -> torch.device:
    return next(model.parameters()).device


def start_from_timm(spec: TrackerSpec, source: str | Path) -> Tracker:
    """A network of `spec` in train mode that starts from timm's model, see `load_timm`.

    Where the tracker's layers are narrower than a plain ViT's (ABTrack, MixFormerV2-S), the full layers are filled
    and the most important units and dimensions of each inherited.

    Raises:
        UsageError, FileError: as `load_timm`.
    """
    whole = SURGERY[spec.backbone].uncut(spec)
    model = build(whole)
    load_timm(model, source)
    if whole == spec:
        return model
    places = tuple(replace(layer, source=j) for j, layer in enumerate(spec.layers))
    cut = inherit(model, replace(spec, layers=places))
    student = build(spec)
    student.load_state_dict(cut.state_dict())
    return student
