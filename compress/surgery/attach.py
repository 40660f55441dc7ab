"""What a student has and its teacher has not: learned tokens, bypass and exits, drawn anew or taken from elsewhere."""

from __future__ import annotations

import torch
from torch import Tensor

from compress.core import TrackerSpec
from compress.models import build
from compress.surgery.fits import fresh_head

State = dict[str, Tensor]
_TOKENS = "backbone.extra_tokens"


def attach(teacher: TrackerSpec, state: State, spec: TrackerSpec) -> State:
    """All tensors of a student of `spec`, from what it takes of its teacher under the student's names.

    Bypass and exits go with the layers they were trained behind. An exit that the teacher does not have starts with
    the teacher's head and final norm; a student without exits gets the head of the teacher's last one.
    """
    if not (teacher.bypass or teacher.exits or spec.bypass or spec.exits or fresh_head(teacher, spec)):
        return state
    fresh = _drawn(spec, like=state["backbone.pos_embed_x"])
    if fresh_head(teacher, spec):
        state = {k: v for k, v in state.items() if not k.startswith("box_head.")}
    given = _without(state, "bypass.", "exits.") | _gates(state, spec) | _exits(teacher, state, spec)
    if _TOKENS in fresh:
        given[_TOKENS] = _place_tokens(teacher, state.get(_TOKENS), spec, fresh[_TOKENS])
    # An adapter's MLP is as wide as that of the layer before it, which may have been cut.
    odd = {k for k, v in given.items() if k.startswith("exits.") and k in fresh and fresh[k].shape != v.shape}
    return {k: given[k] if k in given and k not in odd else v for k, v in fresh.items()}


def _drawn(spec: TrackerSpec, *, like: Tensor) -> State:
    """A student's weights before it has inherited any; the same at every call."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return {k: v.to(like.device) for k, v in build(spec).state_dict().items()}


def _without(state: State, *prefixes: str) -> State:
    return {k: v for k, v in state.items() if not k.startswith(prefixes)}


def _moved(state: State, before: str, after: str) -> State:
    """The tensors under one name, under another."""
    return {after + k.removeprefix(before): v for k, v in state.items() if k.startswith(before)}


def _gates(state: State, spec: TrackerSpec) -> State:
    gates: State = {}
    for j in spec.skippable:
        gates |= _moved(state, f"bypass.gates.{spec.layers[j].source}.", f"bypass.gates.{j}.")
    return gates


def _exits(teacher: TrackerSpec, state: State, spec: TrackerSpec) -> State:
    """Of the teacher's exits the one behind the nearest layer."""
    last = f"exits.{len(teacher.exits) - 1}."
    if not spec.exits:
        return _moved(state, last + "head.", "box_head.") | _moved(state, last + "norm.", "backbone.norm.")
    exits: State = {}
    for k, each in enumerate(spec.exits):
        if teacher.exits:
            place = spec.layers[each.after - 1].source + 1
            nearest = min(range(len(teacher.exits)), key=lambda i: abs(teacher.exits[i].after - place))
            exits |= _moved(state, f"exits.{nearest}.", f"exits.{k}.")
        else:
            exits |= _moved(state, "box_head.", f"exits.{k}.head.") | _moved(
                state, "backbone.norm.", f"exits.{k}.norm."
            )
    return exits


def _place_tokens(teacher: TrackerSpec, held: Tensor | None, spec: TrackerSpec, fresh: Tensor) -> Tensor:
    """The student's learned tokens (1, E, dim), the teacher's where it has them."""
    before = _token_names(teacher)
    tokens = fresh.clone()
    for i, name in enumerate(_token_names(spec)):
        if held is not None and name in before:
            tokens[0, i] = held[0, before.index(name)]
    return tokens


def _token_names(spec: TrackerSpec) -> list[str]:
    """In the order of `TrackerSpec.extra_tokens`."""
    prediction = list("lrtb") if spec.head.kind == "tokens" else []
    return prediction + ["bypass"] * (spec.bypass is not None) + ["iou"] * bool(spec.exits)
