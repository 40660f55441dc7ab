"""Learned tokens, bypass and exits that a student has and its teacher has not: drawn anew, or copied."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from compress.core import ExitSpec, LayerSpec, TrackerSpec
from compress.models import Tracker, build
from compress.surgery.block import State, TeacherBlock, cut_mlp
from compress.surgery.compatibility import fresh_head
from compress.surgery.importance import InputStatistics

_TOKENS = "backbone.extra_tokens"


def attach(
    teacher: Tracker,
    state: State,
    spec: TrackerSpec,
    observed: Mapping[str, InputStatistics] | None,
    *,
    leading: bool,
) -> State:
    """All tensors of a student of `spec`, from what it takes of its teacher under the student's names.

    Bypass and exits go with the layers they were trained behind. An exit that the teacher does not have starts with
    the teacher's head and final norm, its adapter with the teacher's layers that follow, as far as there are any; a
    student without exits gets the head of the teacher's last one.

    Args:
        observed, leading: Which hidden units of an adapter's layer to keep, see `cut_mlp`.
    """
    known = teacher.spec
    if not (known.bypass or known.exits or spec.bypass or spec.exits or fresh_head(known, spec)):
        return state
    fresh = _drawn(spec, like=next(iter(state.values())))
    if fresh_head(known, spec):
        state = {k: v for k, v in state.items() if not k.startswith("box_head.")}
    copies = _adapters(teacher, spec, observed, leading=leading)
    given = copies | _without(state, "bypass.", "exits.") | _gates(state, spec)
    # The adapter of a teacher's exit is as wide as that exit's layer, which the student may have narrower.
    given |= {k: v for k, v in _exits(known, state, spec).items() if k not in fresh or fresh[k].shape == v.shape}
    if _TOKENS in fresh:
        given[_TOKENS] = _place_tokens(known, state.get(_TOKENS), spec, fresh[_TOKENS])
    return {k: given.get(k, v) for k, v in fresh.items()}


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


def _adapters(
    teacher: Tracker, spec: TrackerSpec, observed: Mapping[str, InputStatistics] | None, *, leading: bool
) -> State:
    """Layer j of an exit's adapter, from the teacher's layer j + 1 behind the exit's, where that one is wide enough."""
    adapters: State = {}
    for k, each in enumerate(spec.exits):
        hidden = spec.layers[each.after - 1].mlp_hidden
        for j, source in enumerate(_following(teacher.spec, spec, each)):
            old = TeacherBlock(
                dict(teacher.get_submodule(f"backbone.blocks.{source}").state_dict(keep_vars=True)),
                observed,
                f"blocks.{source}.",
            )
            new = old.state | cut_mlp(old, LayerSpec(source, hidden), leading=leading)
            adapters |= {f"exits.{k}.adapter.{j}.{name}": value for name, value in new.items()}
    return adapters


def _following(teacher: TrackerSpec, spec: TrackerSpec, each: ExitSpec) -> list[int]:
    """The teacher's layers that follow an exit's, one for each of its adapter, up to one that is too narrow."""
    first, hidden = spec.layers[each.after - 1].source + 1, spec.layers[each.after - 1].mlp_hidden
    sources: list[int] = []
    for i, layer in enumerate(teacher.layers[first : first + each.adapter], first):
        if layer.attn_dims or layer.mlp_dims or layer.heads or layer.mlp_hidden < hidden:
            break
        sources.append(i)
    return sources


def _place_tokens(teacher: TrackerSpec, inherited: Tensor | None, spec: TrackerSpec, fresh: Tensor) -> Tensor:
    """The student's learned tokens (1, E, dim), the teacher's where it has them."""
    before = _token_names(teacher)
    tokens = fresh.clone()
    for i, name in enumerate(_token_names(spec)):
        if inherited is not None and name in before:
            tokens[0, i] = inherited[0, before.index(name)]
    return tokens


def _token_names(spec: TrackerSpec) -> list[str]:
    """In the order of `TrackerSpec.extra_tokens`."""
    prediction = list("lrtb") if spec.head.kind == "tokens" else []
    return prediction + ["bypass"] * (spec.bypass is not None) + ["iou"] * bool(spec.exits)
