"""Whether weights fit a network, and what the file probably is where they do not."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache

import torch
from torch import Tensor

from compress.core import TRACKERS, TrackerSpec, describe
from compress.core.text import printable
from compress.models.checkpoints.layouts import from_official, layout_of
from compress.models.checkpoints.layouts.layout import FLOATS
from compress.models.networks import build

NOT_ADAPTABLE = (KeyError, IndexError, ValueError, RuntimeError, TypeError)
"""What a layout raises on a state dict that is incomplete, or of another tracker."""

_LISTED = 3
_LONGEST = 160
_INTEGERS = (torch.int8, torch.int16, torch.int32, torch.int64, torch.uint8)
_NEAR = 0.5
"""Share of tensors in common from which a message names a tracker as the nearest."""


def misfits(wanted: dict[str, Tensor], state: dict[str, Tensor]) -> str:
    """What keeps `state` from filling a network whose state dict is `wanted`, by name; empty where nothing does."""
    shapes = [
        f"{k} is {_shape(state[k])} instead of {_shape(v)}"
        for k, v in wanted.items()
        if k in state and state[k].shape != v.shape
    ]
    problems = [
        listed("missing", (k for k in wanted if k not in state)),
        listed("unexpected", (k for k in state if k not in wanted)),
        listed("of another shape", shapes),
    ]
    return "; ".join(problem for problem in problems if problem)


def damage(spec: TrackerSpec, wanted: dict[str, Tensor], state: dict[str, Tensor]) -> str:
    """What no weights of this tracker can be, by name, and what to do: the rest of a sentence; empty for nothing.

    Args:
        wanted: Tensors of the shapes and types that those of `state` are copied into.
    """
    other = [f"{k} is {_type(v)} instead of {_type(wanted[k])}" for k, v in state.items() if not _usable(v, wanted[k])]
    if other:
        return (
            f"holds what is no weights as it is: {listed('of another type', other)}. Give the checkpoint of floating "
            "point, of 16, 32 or 64 bits, that it was made from."
        )
    # In the type that they are copied into: float64 holds what is infinite in float32.
    bad = [k for k, v in state.items() if not bool(torch.isfinite(v.to(wanted[k].dtype)).all())]
    negative = [k for k, v in state.items() if k.endswith("running_var") and bool((v < 0).any())]
    unsorted = [f"{k} must hold rising indices below {spec.dim}" for k in state if not _rising(k, state[k], spec)]
    problems = [listed("not finite", bad), listed("variances below 0", negative), *unsorted]
    found = "; ".join(problem for problem in problems if problem)
    return f"is damaged: {found}. Fetch or save it again." if found else ""


def likely_cause(spec: TrackerSpec, state: dict[str, Tensor]) -> str:
    """Why the weights of a file, as they were read, do not fit `spec`: which named trackers they do look like.

    Builds every named tracker, as shapes without memory: slow, for error messages only.
    """
    fits = {name: _share(describe(name), state) for name in TRACKERS.names()}
    best = max(fits.values())
    names = [name for name, share in fits.items() if share == best]
    own = [name for name in TRACKERS.names() if describe(name) == spec]
    if best == 1:
        return f"This looks like {_either(names)}{f', not {_either(own)}' if own else ''}."
    if best >= _NEAR and set(own) & set(names):
        return f"It is nearest to {_either(own)} all the same ({best:.0%} in common): it is incomplete or was changed."
    if best >= _NEAR:
        return f"It is nearest to {_either(names)}, with which it has {best:.0%} in common."
    return _other_cause(spec, state)


def listed(kind: str, names: Iterable[str]) -> str:
    """`5 missing (a, b, c and 2 more)`; empty for none."""
    found = sorted(names)
    more = f" and {len(found) - _LISTED} more" if len(found) > _LISTED else ""
    text = ", ".join(printable(name, most=_LONGEST) for name in found[:_LISTED])
    return f"{len(found)} {kind} ({text}{more})" if found else ""


def _usable(value: Tensor, wanted: Tensor) -> bool:
    """Whether copying into `wanted` keeps what is meant: of a float, a float; of a count, a whole number."""
    if wanted.is_floating_point() or wanted.dtype == torch.bool:
        return value.dtype in (FLOATS if wanted.is_floating_point() else (torch.bool,))
    return value.dtype in _INTEGERS or (value.dtype in FLOATS and bool((value == value.trunc()).all()))


def _rising(key: str, value: Tensor, spec: TrackerSpec) -> bool:
    kept = value.tolist() if key.endswith(".kept") else []
    return not kept or (kept == sorted(set(kept)) and kept[0] >= 0 and kept[-1] < spec.dim)


def _type(value: Tensor) -> str:
    return str(value.dtype).removeprefix("torch.")


def _other_cause(spec: TrackerSpec, state: dict[str, Tensor]) -> str:
    layout = layout_of(state)
    if layout is not None:
        return f"It is a checkpoint of {layout.name} ({layout.source}), but like none of {', '.join(layout.files)}."
    depth = len({key.split(".")[2] for key in state if key.startswith("backbone.blocks.")})
    if depth != len(spec.layers):
        return f"It holds {depth} layers and this tracker has {len(spec.layers)}: they are different trackers."
    return "The file was probably made for another tracker or another variant."


def _share(spec: TrackerSpec, state: dict[str, Tensor]) -> float:
    """The share of tensors, of all that either has, that `state` and a tracker have alike in name and shape."""
    try:
        found = from_official(state, spec)
    except NOT_ADAPTABLE:
        return 0.0
    wanted = _shapes(spec)
    alike = sum(key in found and found[key].shape == shape for key, shape in wanted.items())
    return alike / len(wanted.keys() | found.keys())


@cache
def _shapes(spec: TrackerSpec) -> dict[str, torch.Size]:
    """Of a tracker's state dict; building a network takes a fifth of a second, also without memory."""
    with torch.device("meta"):
        return {name: value.shape for name, value in build(spec).state_dict().items()}


def _either(names: list[str]) -> str:
    return " or ".join([", ".join(names[:-1]), names[-1]] if names[1:] else names)


def _shape(value: Tensor) -> str:
    return "×".join(map(str, value.shape)) or "scalar"
