"""Published checkpoints' key layouts, turned into this package's own, exactly. One file per family."""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor

from compress.core import TrackerSpec
from compress.models.checkpoints.layouts import hit, litetrack, mixformer, ostrack
from compress.models.checkpoints.layouts.layout import Adapted, Layout, adapted
from compress.models.checkpoints.layouts.litetrack import fold_litetrack

__all__ = ["LAYOUTS", "Adapted", "Layout", "adapted", "fold_litetrack", "from_official", "layout_of", "weights_source"]

_HUB = "https://github.com/"

_OSTRACK = {
    "ostrack256": "vitb_256_mae_32x4_ep300/OSTrack_ep0300.pth.tar",
    "ostrack256-ce": "vitb_256_mae_ce_32x4_ep300/OSTrack_ep0300.pth.tar",
    "ostrack384-ce": "vitb_384_mae_ce_32x4_ep300/OSTrack_ep0300.pth.tar",
}
_LITETRACK = {f"litetrack-b{n}": f"B{n}_cae_center_all_ep300/LiteTrack_ep0300.pth.tar" for n in (4, 6, 8, 9)}
_MIXFORMERV2 = {
    "mixformerv2-b": "mixformerv2_base.pth.tar",
    "mixformerv2-s": "mixformerv2_small.pth.tar",
    "mixformerv2-b-student": "mixformer2_vit_stu/student_288_depth8/MixFormer_ep0500.pth.tar",
    "mixformerv2-depth12": "mixformer2_vit/student_288_depth12/MixFormer_ep0500.pth.tar",
}
_MIXVIT = {"mixvit-b": "mixformer_vit_base_online.pth.tar"}
_HIT = {f"hit-{size.lower()}": f"HiT_{size}/HiT_ep1500.pth.tar" for size in ("Base", "Small", "Tiny")}


def _has_prediction_tokens(state: Mapping[str, Tensor]) -> bool:
    return mixformer.recognises(state) and "backbone.reg_tokens" in state


LAYOUTS = (
    Layout("LiteTrack", f"{_HUB}TsingWei/LiteTrack", _LITETRACK, litetrack.recognises, litetrack.adapt),
    Layout("OSTrack", f"{_HUB}botaoye/OSTrack", _OSTRACK, ostrack.recognises, ostrack.adapt),
    Layout("MixFormerV2", f"{_HUB}MCG-NJU/MixFormerV2", _MIXFORMERV2, _has_prediction_tokens, mixformer.adapt),
    Layout("MixViT", f"{_HUB}MCG-NJU/MixFormer", _MIXVIT, mixformer.recognises, mixformer.adapt),
    Layout("HiT", f"{_HUB}kangben258/HiT", _HIT, hit.recognises, hit.adapt),
)
"""A state dict is in the first that recognises it: a particular layout stands before a more general one."""


def layout_of(state: Mapping[str, Tensor]) -> Layout | None:
    """The project whose layout a state dict is in; None for this package's own, or one unknown."""
    return next((layout for layout in LAYOUTS if layout.recognises(state)), None)


def from_official(state: dict[str, Tensor], spec: TrackerSpec) -> dict[str, Tensor]:
    """A published state dict in this package's layout; one that is in no project's comes back unchanged.

    Raises:
        KeyError, ValueError: it is in a project's layout, and incomplete or of another tracker than `spec`.
    """
    layout = layout_of(state)
    return state if layout is None else layout.adapt(state, spec)


def weights_source(name: str) -> Layout | None:
    """The project that publishes the weights of a named tracker; None where there is none."""
    return next((layout for layout in LAYOUTS if name in layout.files), None)
