"""Layouts of checkpoints, of published trackers and of timm's backbones: their registries, and how one is applied."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import torch
from torch import Tensor

from compress.core import Registry, TrackerSpec


@dataclass(frozen=True)
class Layout:
    """How one project's checkpoints name their weights.

    Attributes:
        name, source: The project, and where it publishes its code and weights.
        files: What it publishes, by the name of the tracker: the file as the project's own scripts call it.
        recognises: Whether a state dict is in this layout. Never true of this package's own, nor of another layout.
        adapt: A published state dict in this package's layout, for a tracker of that spec.
            Raises KeyError or ValueError, with the reason, where the state dict is incomplete.
    """

    name: str
    source: str
    files: Mapping[str, str]
    recognises: Callable[[Mapping[str, Tensor]], bool]
    adapt: Callable[[dict[str, Tensor], TrackerSpec], dict[str, Tensor]]


LAYOUTS: Registry[Layout] = Registry("checkpoint layout")
"""By the project's name; no state dict is recognised by two of them."""


def layout_of(state: Mapping[str, Tensor]) -> Layout | None:
    """The project whose layout a state dict is in; None for this package's own, or one unknown."""
    return next((layout for _, layout in LAYOUTS.items() if layout.recognises(state)), None)


def from_official(state: dict[str, Tensor], spec: TrackerSpec) -> dict[str, Tensor]:
    """A published state dict in this package's layout; one that is in no project's comes back unchanged.

    Raises:
        KeyError, ValueError: it is in a project's layout, and incomplete or of another tracker than `spec`.
    """
    layout = layout_of(state)
    return state if layout is None else layout.adapt(state, spec)


def weights_source(name: str) -> Layout | None:
    """The project that publishes the weights of a named tracker; None where there is none."""
    return next((layout for _, layout in LAYOUTS.items() if name in layout.files), None)


class Adapted(NamedTuple):
    """A state dict in this package's layout.

    Attributes:
        layout: The one it was in; None for this package's own, or one unknown.
        left_out: What the forward never reads, by its published name.
        place: Where in the file it lay, such as `net`; empty where the file holds nothing else.
        others: Other places in the file that hold weights, which were not read.
    """

    state: dict[str, Tensor]
    layout: Layout | None = None
    left_out: tuple[str, ...] = ()
    place: str = ""
    others: tuple[str, ...] = ()


FLOATS = (torch.float16, torch.bfloat16, torch.float32, torch.float64)
"""Element types of weights."""


def weight(state: Mapping[str, Tensor], key: str, shape: tuple[int, ...] | None = None) -> Tensor:
    """A tensor that weights are computed from.

    Computing with another type gives floats as well, and other shapes are stretched to any size without a word.

    Args:
        shape: That it must have; None for any.

    Raises:
        KeyError: it is missing.
        ValueError: it is not of floating point, or of another shape.
    """
    value = state[key]
    if value.dtype not in FLOATS:
        raise ValueError(f"{key} is {str(value.dtype).removeprefix('torch.')}, and weights are of floating point")
    if shape is not None and tuple(value.shape) != shape:
        raise ValueError(f"{key} has the shape {tuple(value.shape)} instead of {shape}")
    return value


def adapted(layout: Layout, state: dict[str, Tensor], spec: TrackerSpec) -> Adapted:
    """`state` as `layout.adapt` has it, and what of it that leaves out.

    Several published tensors may become one, so autograd traces what each of ours was computed from.
    """
    leaves = {k: v.detach().requires_grad_() if v.is_floating_point() else v for k, v in state.items()}
    with torch.enable_grad():
        ours = layout.adapt(leaves, spec)
    used = _origins(ours.values())
    left_out = tuple(key for key, leaf in leaves.items() if id(leaf) not in used)
    return Adapted({key: value.detach() for key, value in ours.items()}, layout, left_out)


def _origins(tensors: Iterable[Tensor]) -> set[int]:
    """The `id` of the tensors themselves and of every leaf that they were computed from, by autograd."""
    found, todo = set(), list[Any]()
    for tensor in tensors:
        found.add(id(tensor))
        todo.append(tensor.grad_fn)
    while todo:
        node = todo.pop()
        if node is not None:
            found.add(id(getattr(node, "variable", None)))
            todo += [above for above, _ in node.next_functions]
    return found


@dataclass(frozen=True)
class TimmLayout:
    """What of a backbone comes from which tensors of timm's model.

    Attributes:
        adapt: timm's state dict as keys under `backbone.` of the state dict of a spec's network.
            Raises KeyError or ValueError, with the reason, where the model does not match the spec.
        fills: Starts of the keys that must be filled, others may be.
        pixels: The convolution that reads the crops, by its key, where it has a bias and no padding: a model trained
            on pixels of another normalisation is then changed to ours, exactly. None: that cannot be done.
    """

    adapt: Callable[[Mapping[str, Tensor], TrackerSpec], dict[str, Tensor]]
    fills: tuple[str, ...]
    pixels: str | None = None


TIMM_LAYOUTS: Registry[TimmLayout | None] = Registry("layout of timm's models")
"""By the name of the backbone; None for one that no model of timm's can start."""
