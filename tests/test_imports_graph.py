"""No module imports one that imports it back, by whatever detour: at the top, in a function or for types only."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent

Graph = Mapping[str, set[str]]


def _graph(sources: Mapping[str, str]) -> dict[str, set[str]]:
    """What each module imports of the others, from their texts; a package is the module `__init__` of its folder."""
    packages = {name.removesuffix(".__init__") for name in sources if name.endswith(".__init__")}
    modules = {name.removesuffix(".__init__"): text for name, text in sources.items()}
    return {name: set(_imports(name, text, modules, packages)) - {name} for name, text in modules.items()}


def _imports(name: str, text: str, modules: Mapping[str, str], packages: set[str]) -> Iterator[str]:
    home = name.split(".") if name in packages else name.split(".")[:-1]
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name in modules)
        elif isinstance(node, ast.ImportFrom):
            base = home[: len(home) - node.level + 1] if node.level else []
            start = ".".join([*base, *([node.module] if node.module else [])])
            for alias in node.names:
                inner = f"{start}.{alias.name}"
                yield from (found for found in (inner if inner in modules else start,) if found in modules)


def _circles(graph: Graph) -> list[tuple[str, ...]]:
    """The groups of modules that reach each other (Tarjan's strongly connected components), each sorted."""
    index: dict[str, int] = {}
    low: dict[str, int] = {}
    stack: list[str] = []
    found: list[tuple[str, ...]] = []

    def visit(name: str) -> None:
        index[name] = low[name] = len(index)
        stack.append(name)
        for other in sorted(graph[name]):
            if other not in index:
                visit(other)
                low[name] = min(low[name], low[other])
            elif other in stack:
                low[name] = min(low[name], index[other])
        if low[name] == index[name]:
            cut = stack.index(name)
            group, stack[cut:] = stack[cut:], []
            if len(group) > 1:
                found.append(tuple(sorted(group)))

    for name in sorted(graph):
        if name not in index:
            visit(name)
    return found


def _shown(graph: Graph, group: tuple[str, ...]) -> str:
    """One shortest circle within a group, as `a → b → a`."""
    start, inside = group[0], set(group)
    paths = [[start]]
    for path in paths:
        for other in sorted(graph[path[-1]] & inside):
            if other == start:
                return " → ".join([*path, start])
            if other not in path:
                paths.append([*path, other])
    raise AssertionError("a group without a circle")


def _sources() -> dict[str, str]:
    files = (ROOT / "compress").rglob("*.py")
    return {".".join(path.relative_to(ROOT).with_suffix("").parts): path.read_text("utf-8") for path in files}


def test_no_circle() -> None:
    graph = _graph(_sources())
    found = [_shown(graph, group) for group in _circles(graph)]
    assert not found, "\n" + "\n".join(found)


@pytest.mark.parametrize(
    "text",
    [
        "from p.b import f",
        "from p import b",
        "import p.b",
        "from . import b",
        "def f():\n    from .b import g",
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from p.b import C",
    ],
)
def test_a_circle_is_seen(text: str) -> None:
    graph = _graph({"p.__init__": "", "p.a": text, "p.b": "from p.c import x", "p.c": "import p.a"})
    assert _circles(graph) == [("p.a", "p.b", "p.c")]
    assert _shown(graph, ("p.a", "p.b", "p.c")) == "p.a → p.b → p.c → p.a"


def test_a_package_is_one_of_the_modules() -> None:
    graph = _graph({"p.__init__": "from p.a import f", "p.a": "from p import g", "p.q.__init__": "from .. import a"})
    assert graph == {"p": {"p.a"}, "p.a": {"p"}, "p.q": {"p.a"}}
    assert _circles(graph) == [("p", "p.a")]
