"""Names, inputs and outputs of a bundle's graphs: export writes graphs with these, the runtime checks them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias

from compress.core import TrackerSpec
from compress.core.cost.vit import frame_tokens
from compress.core.stages import Stage, stages

Form = Literal["one", "stages"]
"""How the work of a frame is kept: as one graph, or as one graph per stage and head."""

Shapes: TypeAlias = Mapping[str, list[int]]

TEMPLATE, FRAME = "template.onnx", "frame.onnx"


@dataclass(frozen=True)
class Signature:
    """Names and shapes of what a graph takes and puts out, in order.

    Attributes:
        thresholds: What the graph holds a value of, but may be given another one.
    """

    inputs: Shapes
    outputs: Shapes
    thresholds: tuple[str, ...] = ()


def default_form(spec: TrackerSpec) -> Form:
    """Stages for a tracker whose work depends on the frame."""
    return "stages" if spec.adaptive else "one"


def stage_file(stage: Stage) -> str:
    """The file of a stage's graph."""
    return f"{stage.name}.onnx"


def head_file(exit: int | None) -> str:
    """The head behind the last layer, or that of an exit."""
    return f"head{'' if exit is None else exit}.onnx"


def graph_files(spec: TrackerSpec, form: Form) -> tuple[str, ...]:
    """The graphs of a bundle, the template's first."""
    if form == "one":
        return TEMPLATE, FRAME
    heads = range(len(spec.exits)) if spec.exits else (None,)
    return (TEMPLATE, *map(stage_file, stages(spec)), *map(head_file, heads))


def template_inputs(spec: TrackerSpec) -> dict[str, list[int]]:
    """Names and shapes of what the template graph takes, in order."""
    crop = [3, spec.template_size, spec.template_size]
    inputs = {"template": [1, *crop]}
    if spec.target_token:
        inputs["template_box"] = [1, 4]
    if spec.online_templates:
        inputs["online_template"] = [1, spec.online_templates, *crop]
    return inputs


def signatures(spec: TrackerSpec, form: Form, memory: Shapes) -> dict[str, Signature]:
    """Of all `graph_files`; `memory` is what the template graph puts out."""
    found = {TEMPLATE: Signature(template_inputs(spec), memory)}
    if form == "one":
        return found | {FRAME: frame_signature(spec, memory)}
    found |= {stage_file(stage): stage_signature(spec, stage, memory) for stage in stages(spec)}
    heads = range(len(spec.exits)) if spec.exits else (None,)
    return found | {head_file(exit): head_signature(spec, exit) for exit in heads}


def frame_signature(spec: TrackerSpec, memory: Shapes) -> Signature:
    """The whole work of a frame.

    `bypass` and `scores` are as in `compress.geometry.NetworkOutput`; `skipped` (1, L) is true for each layer that was
    skipped, `exit` (1,) is the index of the exit taken.
    """
    outputs = _maps(spec)
    if spec.bypass is not None:
        outputs |= {"bypass": [1, len(spec.skippable)], "skipped": [1, len(spec.layers)]}
    if spec.exits:
        outputs |= {"scores": [1, len(spec.exits)], "exit": [1]}
    return Signature({**_search(spec), **memory}, outputs, threshold_names(spec))


def threshold_names(spec: TrackerSpec) -> tuple[str, ...]:
    """`rho`, and `tau0` … of all exits but the last, (1,) each."""
    rho = ("rho",) if spec.bypass is not None else ()
    return (*rho, *(f"tau{k}" for k in range(len(spec.exits) - 1)))


def stage_signature(spec: TrackerSpec, stage: Stage, memory: Shapes) -> Signature:
    """One stage.

    It takes the tokens `x` of the frame (`search` in their place where the frame enters), the memory of its own layers
    and, where exits recycle, what the exit before it `adapted` as `recycled`. It puts out the tokens `y` behind its
    layers, which the next stage takes as `x`, with the probabilities `bypass` (1, ·) of skipping the skippable layers
    still to come, as far as they come right behind it; and at an exit `adapted` for its head and its `score` (1,).
    """
    return Signature(_stage_inputs(spec, stage, memory), _stage_outputs(spec, stage))


def head_signature(spec: TrackerSpec, exit: int | None) -> Signature:
    """A head: from the tokens `x` behind the last layer, or from what an exit `adapted`, to the maps."""
    return Signature({"x" if exit is None else "adapted": _tokens(spec)}, _maps(spec))


def recycles(spec: TrackerSpec, stage: Stage) -> bool:
    """Whether the stage's exit reads what the exit before it adapted."""
    if not stage.exit or spec.recycling == "none":
        return False
    # Schema c drops the recycled tokens again behind the adapter's layers.
    return spec.recycling != "c" or spec.exits[stage.exit].adapter > 0


def _stage_inputs(spec: TrackerSpec, stage: Stage, memory: Shapes) -> dict[str, list[int]]:
    inputs = _search(spec) if stage.enters else {"x": _tokens(spec)}
    own = {"tokens"} if stage.enters else set()
    own |= {f"{part}{i}" for i in stage.layers for part in "kv"}
    inputs |= {name: shape for name, shape in memory.items() if name in own}
    return inputs | ({"recycled": _tokens(spec)} if recycles(spec, stage) else {})


def _stage_outputs(spec: TrackerSpec, stage: Stage) -> dict[str, list[int]]:
    outputs: dict[str, list[int]] = {}
    decided = stage.exit is not None
    changes = stage.enters or bool(stage.layers)
    if changes and not (decided and stage.last == len(spec.layers)):
        outputs["y"] = _tokens(spec)
    coming = sum(i >= stage.last for i in spec.skippable)
    if changes and coming:
        outputs["bypass"] = [1, coming]
    return outputs | ({"adapted": _tokens(spec), "score": [1]} if decided else {})


def _search(spec: TrackerSpec) -> dict[str, list[int]]:
    return {"search": [1, 3, spec.search_size, spec.search_size]}


def _maps(spec: TrackerSpec) -> dict[str, list[int]]:
    return {name: [1, *shape] for name, shape in spec.maps.items()}


def _tokens(spec: TrackerSpec) -> list[int]:
    return [1, frame_tokens(spec), spec.dim]
