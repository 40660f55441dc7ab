"""The work of a frame in stages: what a frame does without is not run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray
from onnxruntime import InferenceSession

from compress.core import ExecutionPath, TrackerSpec
from compress.core.stages import Stage, stages
from compress.geometry import Answer
from compress.runtime.signatures import head_file, stage_file
from compress.runtime.thresholds import Decider

Arrays = dict[str, NDArray[np.float32]]


class _Graph:
    """A session that takes what it needs of what there is, by name."""

    def __init__(self, session: InferenceSession) -> None:
        self._session = session
        self._inputs = [value.name for value in session.get_inputs()]
        self._outputs = [value.name for value in session.get_outputs()]

    def __call__(self, known: Arrays) -> Arrays:
        found = self._session.run(None, {name: known[name] for name in self._inputs})
        return dict(zip(self._outputs, found, strict=True))


@dataclass
class _Taken:
    """What was decided about one frame so far."""

    spec: TrackerSpec
    skipped: set[int] = field(default_factory=set)
    exit: int | None = None

    def __post_init__(self) -> None:
        self.bypass = np.full(len(self.spec.skippable), np.nan, np.float32)
        self.scores = np.full(len(self.spec.exits), np.nan, np.float32)

    def answer(self, maps: Arrays) -> Answer:
        path = ExecutionPath(frozenset(self.skipped), self.exit)
        bypass = None if self.spec.bypass is None else self.bypass
        return Answer(maps, path, bypass, self.scores if self.spec.exits else None)


@dataclass(frozen=True)
class Staged:
    """Runs the graphs of `compress.core.stages` one after the other, and decides between them.

    Attributes:
        stages: With the graph of each.
        heads: By exit; None is the head of a tracker without exits.
    """

    spec: TrackerSpec
    stages: tuple[tuple[Stage, _Graph], ...]
    heads: Mapping[int | None, _Graph]
    decider: Decider

    @classmethod
    def of(cls, spec: TrackerSpec, sessions: Mapping[str, InferenceSession], decider: Decider) -> Staged:
        """`sessions` by `signatures.graph_files`."""
        each = tuple((stage, _Graph(sessions[stage_file(stage)])) for stage in stages(spec))
        exits: tuple[int | None, ...] = tuple(range(len(spec.exits))) if spec.exits else (None,)
        return cls(spec, each, {exit: _Graph(sessions[head_file(exit)]) for exit in exits}, decider)

    def at(self, decider: Decider) -> Staged:
        """The same graphs at other thresholds, or with who else decides."""
        return replace(self, decider=decider)

    def track(self, search: NDArray[np.float32], memory: Arrays) -> Answer:
        """(1, 3, Sx, Sx) → the maps, and the path to them."""
        known, taken = {"search": search, **memory}, _Taken(self.spec)
        for stage, graph in self.stages:
            if stage.gated and self._skips(stage.first, known, taken):
                continue
            self._run(graph, known)
            if stage.exit is not None and self._leaves(stage.exit, known, taken):
                break
        return taken.answer(self.heads[taken.exit](known))

    def _run(self, graph: _Graph, known: Arrays) -> None:
        known.update(graph(known))
        if "y" in known:
            known["x"] = known.pop("y")
        if "adapted" in known:
            known["recycled"] = known["adapted"]

    def _skips(self, layer: int, known: Arrays, taken: _Taken) -> bool:
        """What was decided after the last layers still holds, as a skipped layer changes no token."""
        probability = known["bypass"][0, layer - len(self.spec.layers)]
        taken.bypass[self.spec.skippable.index(layer)] = probability
        skips = self.decider.skips(probability)
        if skips:
            taken.skipped.add(layer)
        return skips

    def _leaves(self, exit: int, known: Arrays, taken: _Taken) -> bool:
        taken.scores[exit] = known["score"][0]
        leaves = self.decider.leaves(exit, taken.scores[exit])
        if leaves:
            taken.exit = exit
        return leaves
