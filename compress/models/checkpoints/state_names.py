"""Names of weights as the network has them, without what training wrappers put around them."""

from __future__ import annotations

from collections.abc import Iterable

from torch import Tensor

_INNER = ("_orig_mod", "_fsdp_wrapped_module", "_checkpoint_wrapped_module")
"""Anywhere in a name: torch.compile, FSDP and activation checkpointing wrap parts of a network, too."""

_FIRST = "module"
"""In front: DataParallel and AveragedModel, of some files in some names only."""

_SHARED = ("net.", "model.")
"""In front of all names: attributes of training classes, such as Lightning's."""

_COUNTS = ("n_averaged",)
"""What AveragedModel keeps beside the network."""


def unwrapped(state: dict[str, Tensor]) -> dict[str, Tensor]:
    """The weights under the network's own names.

    Raises:
        ValueError: two of them then have one name.
    """
    names = {key: _unwrapped(key) for key in state}
    if any(key != name for key, name in names.items()):
        names = {key: name for key, name in names.items() if key not in _COUNTS}
    while shared := _shared(names.values()):
        names = {key: _unwrapped(name.removeprefix(shared)) for key, name in names.items()}
    if len(set(names.values())) < len(names):
        first: dict[str, str] = {}
        both = next((key, first[name]) for key, name in names.items() if first.setdefault(name, key) != key)
        raise ValueError(f"{both[1]} and {both[0]} are one weight")
    return {name: state[key] for key, name in names.items()}


def _unwrapped(key: str) -> str:
    parts = [part for part in key.split(".") if part not in _INNER]
    while parts[1:] and parts[0] == _FIRST:
        parts = parts[1:]
    return ".".join(parts)


def _shared(names: Iterable[str]) -> str:
    found = list(names)
    return next((prefix for prefix in _SHARED if found and all(name.startswith(prefix) for name in found)), "")
