"""Putting ONNX graphs together: the nodes of one graph, or of one branch of an `If`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import count
from typing import Any

import numpy as np
import onnx
from numpy.typing import ArrayLike
from onnx import helper, numpy_helper


class Scope:
    """Nodes and constants of one graph.

    Every value is named once, over all scopes that come from one another, so that branches can read what the graph
    around them has computed.
    """

    def __init__(self, numbers: Iterable[int] | None = None) -> None:
        self._numbers = iter(count() if numbers is None else numbers)
        self.nodes: list[onnx.NodeProto] = []
        self.initializers: list[onnx.TensorProto] = []

    def branch(self) -> Scope:
        """A scope that sees what this one has computed so far."""
        return Scope(self._numbers)

    def constant(self, values: ArrayLike, dtype: Any) -> str:
        name = self._fresh("constant")
        self.initializers.append(numpy_helper.from_array(np.asarray(values, dtype=dtype), name))
        return name

    def op(self, kind: str, *inputs: str, output: str | None = None, **attributes: Any) -> str:
        """Apply an operator of one output; returns the output's name, a fresh one unless it is given."""
        output = output or self._fresh(kind)
        self.nodes.append(helper.make_node(kind, list(inputs), [output], name=self._fresh(kind), **attributes))
        return output

    def inline(self, graph: onnx.GraphProto, inputs: Mapping[str, str]) -> dict[str, str]:
        """Everything that `graph` computes, its inputs being values of this scope; returns its outputs' names here."""
        names = {"": "", **{value.name: inputs[value.name] for value in graph.input}}
        stem = self._fresh(graph.name)
        for tensor in graph.initializer:
            copied = onnx.TensorProto()
            copied.CopyFrom(tensor)
            copied.name = names[tensor.name] = f"{stem}/{tensor.name}"
            self.initializers.append(copied)
        for node in graph.node:
            names |= {name: f"{stem}/{name}" for name in node.output if name}
            self.nodes.append(_renamed(node, names, f"{stem}/{node.name}"))
        return {value.name: names[value.name] for value in graph.output}

    def choose(
        self, condition: str, then: tuple[Scope, Mapping[str, str]], otherwise: tuple[Scope, Mapping[str, str]]
    ) -> dict[str, str]:
        """`If`: the values of one branch or the other; each is a scope and its values by what they are called here."""
        names = {key: self._fresh(key) for key in then[1]}
        branches = {
            "then_branch": then[0]._graph("then", [then[1][key] for key in names]),
            "else_branch": otherwise[0]._graph("else", [otherwise[1][key] for key in names]),
        }
        node = helper.make_node("If", [condition], list(names.values()), name=self._fresh("If"), **branches)
        self.nodes.append(node)
        return names

    def _graph(self, name: str, outputs: Sequence[str]) -> onnx.GraphProto:
        values = [onnx.ValueInfoProto(name=output) for output in outputs]
        return helper.make_graph(self.nodes, name, [], values, self.initializers)

    def _fresh(self, stem: str) -> str:
        return f"{stem}_{next(self._numbers)}"


def _renamed(node: onnx.NodeProto, names: Mapping[str, str], name: str) -> onnx.NodeProto:
    if any(attribute.HasField("g") for attribute in node.attribute):
        raise ValueError(f"The node {node.name} has branches of its own, which are not renamed.")
    copied = onnx.NodeProto()
    copied.CopyFrom(node)
    copied.name = name
    copied.input[:] = [names[each] for each in node.input]
    copied.output[:] = [names[each] if each else "" for each in node.output]
    return copied
