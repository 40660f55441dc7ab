"""The graphs of a bundle, checked before onnxruntime sees them.

A bundle may come from anybody, and onnxruntime does as a graph says: it opens the files that a graph names, and
computes without end or until memory is full. So a graph is read by a strict reader of its own first, and onnxruntime is
given the bytes that were checked, never a path.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from compress.core import FileError, TrackerSpec
from compress.core.opening import read_bounded
from compress.core.text import printable
from compress.runtime.graph_bounds import Bounds, bounds_of
from compress.runtime.graph_limits import MOST_MEMORY, most_bytes, most_work
from compress.runtime.onnx_file import DTYPES, Declared, OnnxGraph, read_onnx
from compress.runtime.signatures import TEMPLATE, Form, Shapes, Signature, graph_files, signatures

_AGAIN = "Export it again, and run only what this package exports."
_DTYPES = {"skipped": DTYPES[9], "exit": DTYPES[7]}


class CheckedGraphs(Mapping[str, bytes]):
    """Graphs by `compress.runtime.signatures.graph_files`, each read and checked when it is asked for.

    Args:
        manifest: With the entries of all files, which were checked.
    """

    def __init__(self, folder: Path, spec: TrackerSpec, form: Form, manifest: Mapping[str, Any]) -> None:
        self._folder, self._spec, self._form, self._manifest = folder, spec, form, manifest
        self._memory: Shapes | None = None

    def __getitem__(self, name: str) -> bytes:
        data = read_bounded(self._folder / name, "graph", most_bytes(self._spec), advice=_AGAIN)
        if hashlib.sha256(data).hexdigest() != self._manifest["files"][name]["sha256"]:
            raise FileError(f"The graph {name} is not the file that was exported. {_AGAIN}")
        try:
            graph = self._checked(name, data)
        except ValueError as error:
            reason = printable(error, most=400)
            raise FileError(f"The graph {name} is none that compress exports: {reason}. {_AGAIN}") from error
        if name == TEMPLATE:
            self._memory = _shapes(graph.outputs)
        return data

    def __contains__(self, name: object) -> bool:
        return name in graph_files(self._spec, self._form)

    def __iter__(self) -> Iterator[str]:
        return iter(graph_files(self._spec, self._form))

    def __len__(self) -> int:
        return len(graph_files(self._spec, self._form))

    def _checked(self, name: str, data: bytes) -> OnnxGraph:
        graph = read_onnx(data)
        memory = _shapes(graph.outputs) if name == TEMPLATE else self._known_memory()
        check_signature(graph, signatures(self._spec, self._form, memory)[name])
        if name == TEMPLATE and list(memory) != self._manifest.get("memory", list(memory)):
            raise ValueError(f"its outputs are {', '.join(memory)} instead of the memory that bundle.json names")
        check_bounds(graph, bounds_of(graph), most_work(self._spec))
        return graph

    def _known_memory(self) -> Shapes:
        if self._memory is None:
            self[TEMPLATE]
        assert self._memory is not None
        return self._memory


def check_signature(graph: OnnxGraph, wanted: Signature) -> None:
    """Raise ValueError unless a graph takes and puts out what is wanted, by name, type and shape."""
    inputs = {**wanted.inputs, **{name: [1] for name in wanted.thresholds}}
    for what, found, shapes in (("inputs", graph.inputs, inputs), ("outputs", graph.outputs, wanted.outputs)):
        if _shapes(found) != shapes or any(each.dtype != _DTYPES.get(each.name, DTYPES[1]) for each in found):
            raise ValueError(f"its {what} are {_shapes(found)} instead of {dict(shapes)}")
    given = {each.name for each in graph.inputs} & set(graph.initializers)
    if given != set(wanted.thresholds):
        raise ValueError(f"the inputs with a value of their own are {sorted(given)}, not {list(wanted.thresholds)}")


def check_bounds(graph: OnnxGraph, bounds: Bounds, work: int) -> None:
    """Raise ValueError where a graph takes more than it may, or puts out other shapes than it says."""
    for declared, found in zip(graph.outputs, bounds.outputs, strict=True):
        if (declared.dtype, declared.shape) != (found.dtype, found.shape):
            raise ValueError(f"its output {declared.name} is computed as {list(found.shape)}")
    if bounds.memory > MOST_MEMORY:
        raise ValueError(f"its tensors take {bounds.memory} bytes, more than {MOST_MEMORY}")
    if bounds.work > work:
        raise ValueError(f"it takes {bounds.work} operations, and at most {work} are what its spec describes")


def _shapes(values: tuple[Declared, ...]) -> dict[str, list[int]]:
    if len({value.name for value in values}) < len(values):
        raise ValueError("two of its inputs or outputs have one name")
    return {value.name: list(value.shape or ()) for value in values}
