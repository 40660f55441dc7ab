"""Published checkpoints' key layouts, turned into this package's own, exactly. One file per family."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from torch import Tensor

from compress.core import TrackerSpec
from compress.models.layouts import litetrack, ostrack
from compress.models.layouts.litetrack import fold_litetrack

__all__ = ["LAYOUTS", "Layout", "fold_litetrack", "from_official", "layout_of", "weights_source"]


@dataclass(frozen=True)
class Layout:
    """How one project's checkpoints name their weights.

    Attributes:
        name, source: The project, and where it publishes its code and weights.
        names: Starts of the names of the trackers whose weights come from there.
        recognises: Whether a state dict is in this layout. Never true of this package's own.
        adapt: A published state dict in this package's layout, for a tracker of that spec.
            Raises KeyError or ValueError, saying what is wrong, where the state dict is incomplete.
    """

    name: str
    source: str
    names: tuple[str, ...]
    recognises: Callable[[Mapping[str, Tensor]], bool]
    adapt: Callable[[dict[str, Tensor], TrackerSpec], dict[str, Tensor]]


_OTHERS = (
    ("mixformer", "MixFormerV2", "MCG-NJU/MixFormerV2", ("mixformerv2-",)),
    ("mixformer", "MixViT", "MCG-NJU/MixFormer", ("mixvit-",)),
    ("hit", "HiT", "kangben258/HiT", ("hit-",)),
)

LAYOUTS = [
    Layout(
        "LiteTrack", "https://github.com/TsingWei/LiteTrack", ("litetrack-",), litetrack.recognises, litetrack.adapt
    ),
    Layout("OSTrack", "https://github.com/botaoye/OSTrack", ("ostrack256", "ostrack384"), ostrack.recognises,
           ostrack.adapt),
]  # fmt: skip
for _file, _name, _repository, _names in _OTHERS:
    if importlib.util.find_spec(f"{__name__}.{_file}") is not None:
        _module = importlib.import_module(f"{__name__}.{_file}")
        _url = f"https://github.com/{_repository}"
        LAYOUTS.append(Layout(_name, _url, _names, _module.recognises, _module.adapt))


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
    return next((layout for layout in LAYOUTS if name.startswith(layout.names)), None)
