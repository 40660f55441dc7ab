"""What running a graph takes, found from the graph alone: memory, and multiply-accumulates."""

from __future__ import annotations

from collections import ChainMap
from dataclasses import dataclass

from compress.runtime.onnx_file import Declared, Node, OnnxGraph
from compress.runtime.operators import Known, of_tensor, outputs_of, work_of

_LARGEST = 2**28
"""Values of one tensor, a gigabyte in single precision."""
_DEEPEST = 16


@dataclass(frozen=True)
class Bounds:
    """What a graph takes.

    Attributes:
        memory: Bytes of all tensors that are there at once at most, those of the file itself left out.
        work: Multiply-accumulates, and about as many for each value that another operator touches.
        outputs: What is known of its outputs.
    """

    memory: int
    work: int
    outputs: tuple[Known, ...]


def bounds_of(graph: OnnxGraph, around: ChainMap[str, Known] | None = None, depth: int = 0) -> Bounds:
    """What `graph` takes, its operators run in the order of the file.

    Args:
        around: What is known around a branch.

    Raises:
        ValueError: a value that is not computed before it is used, or twice, an unknown operator, or inputs that do
            not go together.
    """
    if depth > _DEEPEST:
        raise ValueError(f"it has branches within branches, deeper than {_DEEPEST}")
    known: ChainMap[str, Known] = ChainMap() if around is None else around.new_child()
    return _Running(graph, known, depth).bounds()


class _Running:
    """Follows one graph; of a branch `known` holds what is around it as well."""

    def __init__(self, graph: OnnxGraph, known: ChainMap[str, Known], depth: int) -> None:
        self._graph, self._known, self._depth = graph, known, depth
        self._reads = [_reads(node) for node in graph.nodes]
        self._last = {name: i for i, names in enumerate(self._reads) for name in names}
        self._last |= {value.name: len(graph.nodes) for value in graph.outputs}
        self._now = self._most = self._kept = self._work = 0

    def bounds(self) -> Bounds:
        for value in self._graph.inputs:
            self._note(value.name, _declared(value))
        thresholds = {value.name for value in self._graph.inputs}  # inputs with a value of their own, some of them
        for name, tensor in self._graph.initializers.items():
            if name not in thresholds:
                self._check_new(name)
                self._known[name] = of_tensor(tensor)
        for i, node in enumerate(self._graph.nodes):
            self._run(node)
            self._most = max(self._most, self._now)
            self._now -= sum(self._known.maps[0][name].bytes for name in self._reads[i] if self._ends(name, i))
        outputs = tuple(self._get(value.name) for value in self._graph.outputs)
        return Bounds(self._most + self._kept, self._work, outputs)

    def _run(self, node: Node) -> None:
        given = [self._get(name) if name else None for name in node.inputs]
        if node.op == "If":
            found = self._branches(node)
        else:
            found = outputs_of(node, given)
            self._work += work_of(node, given, found)
        for name, each in zip(node.outputs, found, strict=True):
            self._note(name, each)

    def _branches(self, node: Node) -> list[Known]:
        """What either branch puts out; both must put out the same."""
        branches = [each for each in node.attributes.values() if isinstance(each, OnnxGraph)]
        if set(node.attributes) != {"then_branch", "else_branch"} or len(branches) < 2 or len(node.inputs) != 1:
            raise ValueError("an operator If has no two branches")
        found = [bounds_of(each, self._known, self._depth + 1) for each in branches]
        first, second = ([(each.dtype, each.shape) for each in bounds.outputs] for bounds in found)
        if first != second or len(first) != len(node.outputs) or any(each.inputs for each in branches):
            raise ValueError("the branches of an operator If put out different things")
        self._most = max(self._most, self._now + max(each.memory for each in found))
        self._work += max(each.work for each in found)
        return [Known(dtype, shape) for dtype, shape in first]

    def _note(self, name: str, value: Known) -> None:
        self._check_new(name)
        if value.size > _LARGEST:
            raise ValueError(f"it computes {value.size} values at once, more than {_LARGEST}")
        self._known[name] = value
        if value.constant:  # onnxruntime computes it when the graph is loaded, and keeps it
            self._kept += value.bytes
        else:
            self._now += value.bytes

    def _check_new(self, name: str) -> None:
        if not name or name in self._known:
            raise ValueError(f"it computes {name[:80]!r} twice")

    def _get(self, name: str) -> Known:
        if name not in self._known:
            raise ValueError(f"it uses {name[:80]!r}, which is not computed before")
        return self._known[name]

    def _ends(self, name: str, i: int) -> bool:
        own = self._known.maps[0].get(name)
        return own is not None and not own.constant and self._last[name] == i


def _reads(node: Node) -> set[str]:
    """The names that an operator reads, in its branches too."""
    found = {name for name in node.inputs if name}
    for branch in node.attributes.values():
        if isinstance(branch, OnnxGraph):
            found.update(*map(_reads, branch.nodes), (value.name for value in branch.outputs))
    return found


def _declared(value: Declared) -> Known:
    if value.dtype is None or value.shape is None:
        raise ValueError(f"its input {value.name[:80]!r} has no type")
    return Known(value.dtype, value.shape)
