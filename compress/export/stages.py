"""One ONNX graph for each stage and head of a tracker, for whoever decides between them."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

import torch
from torch import Tensor

from compress.core import UsageError
from compress.core.stages import Stage, stages
from compress.export.tracing import Tensors, traced
from compress.models import Tracker, VitTracker
from compress.runtime.signatures import Signature, head_file, head_signature, recycles, stage_file, stage_signature


def stage_graphs(ready: Tracker, memory: Mapping[str, Tensor]) -> dict[str, bytes]:
    """Serialised graphs of the stages and heads of a `fused` tracker, by `compress.runtime.signatures`.

    Args:
        memory: What `ready.encode_template` returns; its values do not matter.

    Raises:
        UsageError: a tracker that is no plain ViT, so that it has neither bypass nor exits.
    """
    if not isinstance(ready, VitTracker):
        raise UsageError(f"The tracker {ready.spec.id} is a {type(ready).__name__}, and only plain ViTs have stages.")
    spec, shapes = ready.spec, {name: list(value.shape) for name, value in memory.items()}
    found = {}
    for stage in stages(spec):
        signature = stage_signature(spec, stage, shapes)
        found[stage_file(stage)] = _graph(ready, partial(_stage, ready, stage), signature)
    exits = range(len(spec.exits)) if spec.exits else (None,)
    for exit in exits:
        found[head_file(exit)] = _graph(ready, partial(_head, ready, exit), head_signature(spec, exit))
    return found


def _graph(ready: VitTracker, run: partial[Tensors], signature: Signature) -> bytes:
    inputs = {name: torch.zeros(shape) for name, shape in signature.inputs.items()}
    return traced(ready, run, inputs, signature.outputs)


def _stage(model: VitTracker, stage: Stage, given: Tensors) -> Tensors:
    x = model.frame_tokens(given["search"], given) if stage.enters else given["x"]
    for i in stage.layers:
        x = model.layer(i, x, given)
    found = {"y": x, **_coming(model, stage, x)}
    if stage.exit is not None:
        recycled = given["recycled"] if recycles(model.spec, stage) else None
        found["adapted"], found["score"] = model.exit(stage.exit)(x, recycled)
    return found


def _coming(model: VitTracker, stage: Stage, x: Tensor) -> Tensors:
    """The probabilities of skipping the layers still to come, were each of them the next."""
    probabilities = [model.decide(i, x) for i in model.spec.skippable if i >= stage.last]
    return {"bypass": torch.stack(probabilities, dim=1)} if probabilities else {}


def _head(model: VitTracker, exit: int | None, given: Tensors) -> Tensors:
    if exit is None:
        return model.answer(model.features(given["x"])).maps
    taken = model.exit(exit)
    # The score is no part of the maps, so any will do.
    return taken.answer(taken.read(given["adapted"]), given["adapted"].new_zeros(1)).maps
