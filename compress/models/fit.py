"""Whether weights fit a network, and why they do not."""

from __future__ import annotations

from torch import Tensor

from compress.core import TRACKERS, TrackerSpec, describe


def likely_cause(spec: TrackerSpec, state: dict[str, Tensor]) -> str:
    """Why the weights in `state` do not fit a tracker, as far as they tell: which named ones they do look like."""
    names = [name for name in TRACKERS.names() if _looks_like(describe(name), state)]
    if names:
        return f"This looks like {' or '.join(names)}."
    depth = _depth(state)
    if depth != len(spec.layers):
        return f"It holds {depth} layers and this tracker has {len(spec.layers)}: they are different trackers."
    if spec.final_norm != ("backbone.norm.weight" in state):
        return "OSTrack has a final norm and LiteTrack has none: the file is of the other family."
    return "The file was probably made for another tracker or another variant."


def _looks_like(spec: TrackerSpec, state: dict[str, Tensor]) -> bool:
    head = state.get("box_head.conv1_ctr.0.weight")
    template = (spec.template_size // spec.patch) ** 2
    return (
        head is not None
        and tuple(head.shape[:2]) == (spec.head.channels, spec.dim)
        and _depth(state) == len(spec.layers)
        and ("backbone.norm.weight" in state) == spec.final_norm
        and ("target_token_embed.fc1.weight" in state) == spec.target_token
        and _tokens(state, "backbone.pos_embed_z") == template
        and _tokens(state, "backbone.pos_embed_x") == spec.search_tokens
    )


def _depth(state: dict[str, Tensor]) -> int:
    return len({key.split(".")[2] for key in state if key.startswith("backbone.blocks.")})


def _tokens(state: dict[str, Tensor], key: str) -> int:
    value = state.get(key)
    return value.shape[1] if value is not None and value.ndim == 3 else 0
