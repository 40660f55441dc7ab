"""Frames of onnxruntime sessions to be timed: one graph, or the stages of an adaptive tracker along forced paths.

Timing depends neither on weights nor on what is kept of the template, which is random. This module is packed into kits:
Python 3.8, numpy and onnxruntime.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Protocol

import numpy as np

from compress.core.errors import UsageError
from compress.core.execution_path import ExecutionPath
from compress.runtime.staged import Graph, Staged

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from compress.runtime.staged import Arrays, Heads, Stages


class StagedFrames(Protocol):
    """An adaptive tracker whose frames take the execution path they are given."""

    def track(self, search: NDArray[np.float32], path: ExecutionPath) -> ExecutionPath | None:
        """One frame along a path; the path it took."""
        ...


class AlongPaths:
    """The work of frames of an adaptive tracker along endless `paths`, one after the other."""

    def __init__(self, tracker: StagedFrames, paths: Iterator[ExecutionPath]) -> None:
        self._tracker, self._paths = tracker, paths

    def track(self, search: NDArray[np.float32]) -> ExecutionPath | None:
        """One frame along the next path; the path it took."""
        return self._tracker.track(search, next(self._paths))


class GraphFrame:
    """The work of a frame as one graph."""

    def __init__(self, graph: Graph) -> None:
        self._graph, self._memory = graph, random_memory([graph])

    def track(self, search: NDArray[np.float32]) -> None:
        """One run on a crop."""
        self._graph({"search": search, **self._memory})


class GraphStages:
    """The stages of one adaptive tracker. Frames compute what they would decide on, and then take a given path.

    So a network with fresh weights can be timed like a trained one.
    """

    def __init__(self, stages: Stages, heads: Heads) -> None:
        self._forced = ForcedPath()
        self._staged = Staged(stages, heads, self._forced)
        self._memory = random_memory([graph for _, graph in stages])

    def track(self, search: NDArray[np.float32], path: ExecutionPath) -> ExecutionPath | None:
        """One frame along a path; the path it took.

        Raises:
            UsageError: the tracker has no such path.
        """
        self._check(path)
        self._forced.path = path
        return self._staged.track(search, self._memory).path

    def _check(self, path: ExecutionPath) -> None:
        skippable, exits = self._staged.skippable, self._staged.exits
        if any(layer not in skippable for layer in path.skipped or ()) or not 0 <= (path.exit or 0) < max(exits, 1):
            raise UsageError(f"A tracker that can skip {[*skippable]} and has {exits} exits does not have {path}.")


class ForcedPath:
    """Decides as an execution path has it; a `compress.runtime.staged.Decider`."""

    def __init__(self) -> None:
        self.path = ExecutionPath()

    def skips(self, layer: int, probability: np.float32) -> bool:
        """Whether the path skips a layer."""
        return layer in (self.path.skipped or ())

    def leaves(self, exit: int, score: np.float32) -> bool:
        """Whether the path takes an exit."""
        return exit == self.path.exit


def random_memory(graphs: Iterable[Graph]) -> Arrays:
    """Random numbers for what is kept of the template: inputs that the frame and the graphs before do not give."""
    rng = np.random.default_rng(0)
    given, memory = {"search", "x", "recycled"}, {}
    for graph in graphs:
        for name, shape in graph.inputs.items():
            if name not in given:
                memory[name] = rng.standard_normal(shape).astype(np.float32)
        given.update(graph.inputs, graph.outputs)
    return memory
