"""One ONNX graph for each stage and head of a tracker, for whoever decides between them."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional

from compress.core import ExecutionPath, UsageError
from compress.core.stages import Stage, stages, stages_of
from compress.export.tracing import Tensors, traced
from compress.models import AdaptiveTracker, Tracker
from compress.runtime.signatures import Signature, head_file, head_signature, recycles, stage_file, stage_signature


def stage_graphs(ready: Tracker, memory: Mapping[str, Tensor]) -> dict[str, bytes]:
    """Serialised graphs of the stages and heads of a `fused` tracker, by `compress.runtime.signatures`.

    Args:
        memory: What `ready.encode_template` returns; its values do not matter.

    Raises:
        UsageError: a tracker whose backbone does not run stage by stage.
    """
    model, shapes = _adaptive(ready), {name: list(value.shape) for name, value in memory.items()}
    spec, found = model.spec, {}
    for stage in stages(spec):
        signature = stage_signature(spec, stage, shapes)
        found[stage_file(stage)] = _graph(model, partial(_stage, model, stage), signature)
    exits = range(len(spec.exits)) if spec.exits else (None,)
    for exit in exits:
        found[head_file(exit)] = _graph(model, partial(_head, model, exit), head_signature(spec, exit))
    return found


def path_graph(ready: Tracker, memory: Mapping[str, Tensor], path: ExecutionPath) -> bytes:
    """Serialised graph of all stages of one complete path and its head, from search crop and memory to the maps.

    What decides is left out, as no output hangs on it.

    Raises:
        UsageError: as `stage_graphs`.
    """
    model = _adaptive(ready)

    def run(given: Tensors) -> Tensors:
        known = dict(given)
        for stage in stages_of(model.spec, path):
            known |= _stage(model, stage, known)
            known |= {"x": known["y"]} | ({"recycled": known["adapted"]} if "adapted" in known else {})
        return _head(model, path.exit, known)

    size = model.spec.search_size
    return traced(model, run, {"search": torch.zeros(1, 3, size, size), **memory}, model.spec.maps)


def _adaptive(ready: Tracker) -> AdaptiveTracker:
    if not isinstance(ready, AdaptiveTracker):
        raise UsageError(f"The tracker {ready.spec.id} is a {type(ready).__name__}, which does not run stage by stage.")
    return ready


def _graph(ready: AdaptiveTracker, run: partial[Tensors], signature: Signature) -> bytes:
    inputs = {name: torch.zeros(shape) for name, shape in signature.inputs.items()}
    return traced(ready, run, inputs, signature.outputs)


def _stage(model: AdaptiveTracker, stage: Stage, given: Tensors) -> Tensors:
    x = model.frame_tokens(given["search"], given) if stage.enters else given["x"]
    for i in stage.layers:
        x = model.layer(i, x, given)
    found = {"y": x, **_coming(model, stage, x)}
    if stage.exit is not None:
        recycled = given["recycled"] if recycles(model.spec, stage) else None
        found["adapted"], found["score"] = model.exit(stage.exit)(x, recycled)
    return found


def _coming(model: AdaptiveTracker, stage: Stage, x: Tensor) -> Tensors:
    """The probabilities of skipping the layers still to come, were each of them the next.

    All gates in one product: ten of them, one by one, cost a nano tracker a fifth of its time.
    """
    bypass, coming = model.bypass, [i for i in model.spec.skippable if i >= stage.last]
    if bypass is None or not coming:
        return {}
    gates = [cast(nn.Linear, bypass.gates[str(i)]) for i in coming]
    weight, bias = torch.cat([gate.weight for gate in gates]), torch.cat([gate.bias for gate in gates])
    return {"bypass": functional.linear(x[:, bypass.token], weight, bias).sigmoid()}


def _head(model: AdaptiveTracker, exit: int | None, given: Tensors) -> Tensors:
    if exit is None:
        return model.answer(model.features(given["x"])).maps
    taken = model.exit(exit)
    # The score is no part of the maps, so any will do.
    return taken.answer(taken.read(given["adapted"]), given["adapted"].new_zeros(1)).maps
