"""Runs the work of a frame as one graph per stage; stages that the frame skips are not run.

This module is shipped in kits: Python 3.8, numpy and onnxruntime.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from compress.core.execution_path import ExecutionPath
from compress.geometry.network import NetworkOutput
from compress.runtime.sessions import run_session

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from onnxruntime import InferenceSession

    from compress.core.stages import Stage

    Arrays = dict[str, NDArray[np.float32]]
    Stages = Sequence[tuple[Stage, "Graph"]]
    Heads = Mapping[int | None, "Graph"]


class Decider(Protocol):
    """Decides between stages, called in the order in which a frame meets its decisions."""

    def skips(self, layer: int, probability: np.float32) -> bool:
        """Whether to skip a layer that may be skipped."""
        ...

    def leaves(self, exit: int, score: np.float32) -> bool:
        """Whether a frame leaves at an exit."""
        ...


class Graph:
    """A session that takes its inputs by name from all arrays known so far."""

    def __init__(self, session: InferenceSession) -> None:
        self._session = session
        self.inputs = {value.name: value.shape for value in session.get_inputs()}
        self.outputs = [value.name for value in session.get_outputs()]

    def __call__(self, known: Arrays) -> Arrays:
        found = run_session(self._session, {name: known[name] for name in self.inputs})
        return dict(zip(self.outputs, found))


@dataclass
class _Taken:
    """What was decided about one frame so far: (S,) probabilities of skipping, (E,) scores of exits."""

    bypass: NDArray[np.float32]
    scores: NDArray[np.float32]
    skipped: set[int] = field(default_factory=set)
    exit: int | None = None

    def answer(self, maps: Any) -> NetworkOutput:
        """The output for a frame whose head gave `maps`."""
        path = ExecutionPath(frozenset(self.skipped), self.exit)
        return NetworkOutput(
            maps, path, self.bypass if self.bypass.size else None, self.scores if self.scores.size else None
        )


@dataclass(frozen=True)
class Staged:
    """Runs the graphs of `compress.core.stages` one after the other, and decides between them.

    Attributes:
        stages: With the graph of each.
        heads: By exit; None is the head of a tracker without exits.
    """

    stages: Stages
    heads: Heads
    decider: Decider

    def at(self, decider: Decider) -> Staged:
        """The same graphs with another decider, such as other thresholds."""
        return replace(self, decider=decider)

    @cached_property
    def skippable(self) -> range:
        """Indices of the layers that bypass may skip."""
        depth = self.stages[-1][0].last
        return range(depth - sum(stage.gated for stage, _ in self.stages), depth)

    @cached_property
    def exits(self) -> int:
        """How many exits there are."""
        return sum(stage.exit is not None for stage, _ in self.stages)

    def track(self, search: NDArray[np.float32], memory: Arrays) -> NetworkOutput:
        """(1, 3, Sx, Sx) → the maps, and the execution path to them."""
        known = {"search": search, **memory}
        taken = _Taken(_unknown(len(self.skippable)), _unknown(self.exits))
        for stage, graph in self.stages:
            if stage.gated and self._skips(stage.first, known, taken):
                continue
            self._run(graph, known)
            if stage.exit is not None and self._leaves(stage.exit, known, taken):
                break
        return taken.answer(self.heads[taken.exit](known))

    def _run(self, graph: Graph, known: Arrays) -> None:
        known.update(graph(known))
        if "y" in known:
            known["x"] = known.pop("y")
        if "adapted" in known:
            known["recycled"] = known["adapted"]

    def _skips(self, layer: int, known: Arrays, taken: _Taken) -> bool:
        """Probabilities of the layers computed last still hold, as a skipped layer changes no token."""
        column = layer - self.skippable.stop  # counted from the last layer: later stages have fewer columns
        taken.bypass[column] = probability = known["bypass"][0, column]
        skips = self.decider.skips(layer, probability)
        if skips:
            taken.skipped.add(layer)
        return skips

    def _leaves(self, exit: int, known: Arrays, taken: _Taken) -> bool:
        taken.scores[exit] = score = known["score"][0]
        leaves = self.decider.leaves(exit, score)
        if leaves:
            taken.exit = exit
        return leaves


def _unknown(count: int) -> NDArray[np.float32]:
    return np.full(count, np.nan, np.float32)
