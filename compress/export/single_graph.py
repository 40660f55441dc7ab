"""The work of a frame as one graph: the stages' graphs, with `If` where something is decided."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from compress.core import TrackerSpec
from compress.core.stages import Stage, stages
from compress.export.graph_builder import Scope
from compress.export.tracing import OPSET
from compress.runtime.signatures import Shapes, frame_signature, head_file, stage_file
from compress.runtime.thresholds import Thresholds

_KINDS = {"skipped": TensorProto.BOOL, "exit": TensorProto.INT64}


def composed(spec: TrackerSpec, graphs: Mapping[str, bytes], memory: Shapes) -> bytes:
    """Serialised graph of `compress.runtime.signatures.frame_signature`, from those of the stages and heads.

    A gated stage stands in a branch of an `If` whose other branch hands the tokens on; all that comes behind an exit
    stands in a branch whose other one is the exit's head. What a frame does without is not computed, as long as the
    runtime runs no branch that is not taken (onnxruntime does not). Thresholds are inputs with a value of their own.
    """
    parts = {name: onnx.load_from_string(graph).graph for name, graph in graphs.items()}
    signature = frame_signature(spec, memory)
    scope = Scope()
    known = {name: name for name in signature.inputs}
    found = _Composing(spec, parts).rest(scope, stages(spec), _State(known))
    for name in signature.outputs:
        scope.op("Identity", found[name], output=name)
    return _model(spec, scope, signature.inputs, signature.outputs).SerializeToString()


@dataclass(frozen=True)
class _State:
    """What is known of a frame at one place of the graph, by the names of values.

    Attributes:
        known: What stages and heads may read, by the names of their inputs.
        bypass: (1, ·) probabilities of skipping the layers to come.
        probabilities, skips: (1, 1) of each decision taken; `scores` likewise, (1,).
    """

    known: Mapping[str, str]
    bypass: str | None = None
    probabilities: tuple[str, ...] = ()
    skips: tuple[str, ...] = ()
    scores: tuple[str, ...] = ()


class _Composing:
    def __init__(self, spec: TrackerSpec, parts: Mapping[str, onnx.GraphProto]) -> None:
        self._spec, self._parts = spec, parts

    def rest(self, scope: Scope, todo: tuple[Stage, ...], state: _State) -> dict[str, str]:
        """The stages `todo` and the head behind them: the outputs of the whole."""
        for n, stage in enumerate(todo):
            state = self._gated(scope, stage, state) if stage.gated else self._run(scope, stage, state)
            if stage.exit is None:
                continue
            if stage.exit + 1 == len(self._spec.exits):
                return self._answer(scope, state, stage.exit)
            return self._leave_or_go_on(scope, stage.exit, todo[n + 1 :], state)
        return self._answer(scope, state, None)

    def _leave_or_go_on(self, scope: Scope, exit: int, todo: tuple[Stage, ...], state: _State) -> dict[str, str]:
        leaves = scope.op("Greater", state.scores[-1], f"tau{exit}")
        leaving, staying = scope.branch(), scope.branch()
        answers = self._answer(leaving, state, exit), self.rest(staying, todo, state)
        return scope.choose(leaves, (leaving, answers[0]), (staying, answers[1]))

    def _run(self, scope: Scope, stage: Stage, state: _State) -> _State:
        found = scope.inline(self._parts[stage_file(stage)], state.known)
        known = dict(state.known) | ({"x": found["y"]} if "y" in found else {})
        if stage.exit is None:
            return replace(state, known=known, bypass=found.get("bypass", state.bypass))
        known |= {"recycled": found["adapted"], "adapted": found["adapted"]}
        bypass = found.get("bypass", state.bypass)
        return replace(state, known=known, bypass=bypass, scores=(*state.scores, found["score"]))

    def _gated(self, scope: Scope, stage: Stage, state: _State) -> _State:
        assert state.bypass is not None
        first, second, end, columns = (scope.constant([value], np.int64) for value in (0, 1, 2**31 - 1, 1))
        probability = scope.op("Slice", state.bypass, first, second, columns)
        skip = scope.op("Greater", probability, "rho")
        past, through = scope.branch(), scope.branch()
        ran = self._run(through, stage, state)
        passed = {"x": past.op("Identity", state.known["x"])}
        run = {"x": ran.known["x"]}
        if stage.last < len(self._spec.layers):
            assert ran.bypass is not None
            passed["bypass"] = past.op("Slice", state.bypass, second, end, columns)
            run["bypass"] = ran.bypass
        found = scope.choose(skip, (past, passed), (through, run))
        return replace(
            state,
            known={**state.known, "x": found["x"]},
            bypass=found.get("bypass"),
            probabilities=(*state.probabilities, probability),
            skips=(*state.skips, skip),
        )

    def _answer(self, scope: Scope, state: _State, exit: int | None) -> dict[str, str]:
        found = scope.inline(self._parts[head_file(exit)], state.known)
        spec = self._spec
        if spec.bypass is not None:
            found["bypass"] = self._row(scope, state.probabilities, len(spec.skippable), np.nan, np.float32)
            always = scope.constant([[False] * spec.skippable.start], np.bool_)
            skips = self._row(scope, state.skips, len(spec.skippable), False, np.bool_)
            found["skipped"] = scope.op("Concat", always, skips, axis=1)
        if exit is not None:
            axes = scope.constant([1], np.int64)
            scores = tuple(scope.op("Unsqueeze", score, axes) for score in state.scores)
            found["scores"] = self._row(scope, scores, len(spec.exits), np.nan, np.float32)
            found["exit"] = scope.op("Identity", scope.constant([exit], np.int64))
        return found

    def _row(self, scope: Scope, values: tuple[str, ...], length: int, missing: float, dtype: type) -> str:
        """(1, `length`) of values (1, 1), filled up where no frame comes."""
        filled = scope.constant([[missing] * (length - len(values))], dtype)
        return scope.op("Concat", *values, filled, axis=1)


def _model(spec: TrackerSpec, scope: Scope, inputs: Shapes, outputs: Shapes) -> onnx.ModelProto:
    thresholds = Thresholds.of(spec).feeds()
    taken = {**inputs, **{name: [1] for name in thresholds}}
    graph = helper.make_graph(
        scope.nodes,
        "frame",
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name, shape in taken.items()],
        [helper.make_tensor_value_info(n, _KINDS.get(n, TensorProto.FLOAT), s) for n, s in outputs.items()],
        [*scope.initializers, *(numpy_helper.from_array(value, name) for name, value in thresholds.items())],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], producer_name="compress")
    model.ir_version = 8  # of opset 17
    onnx.checker.check_model(model, full_check=True)
    return model
