"""Imports run one way: only from lower floors, and only what a room may depend on."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "compress"

FLOORS = {
    "core": 0,
    "geometry": 1,
    "spaces": 1,
    "latency": 1,
    "prior": 1,
    "archive": 1,
    "models": 2,
    "data": 2,
    "runtime": 2,
    "report": 2,
    "surgery": 3,
    "evaluate": 3,
    "distill": 4,
    "export": 4,
    "measure": 5,
    "driver": 6,
    "cli": 7,
    "testing": 8,
}

TORCH = {"torch", "torchvision", "timm", "fvcore"}
NO_TORCH = ["core", "geometry", "spaces", "latency", "prior", "archive", "runtime", "report"]
ONLY = {"core": {"yaml"}, "geometry": {"numpy", "cv2"}, "spaces": {"yaml"}, "runtime": {"numpy", "cv2", "onnxruntime"}}
"""Rooms that depend on nothing else outside the standard library."""


def _modules(tree: ast.AST, package: list[str]) -> Iterator[tuple[int, str]]:
    """Line and dotted name of every import, those inside functions and by `import_module("…")` too."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else []
            start = ".".join([*base, *([node.module] if node.module else [])])
            names = [f"{start}.{alias.name}" for alias in node.names] if start == "compress" else [start]
            yield from ((node.lineno, name) for name in names)
        elif isinstance(node, ast.Call) and "import_module" in ast.unparse(node.func) and node.args:
            first = node.args[0].values[0] if isinstance(node.args[0], ast.JoinedStr) else node.args[0]
            if isinstance(first, ast.Constant) and isinstance(first.value, str):
                yield node.lineno, first.value


def _imports(text: str, path: Path) -> list[tuple[int, str]]:
    return sorted(_modules(ast.parse(text), list(path.relative_to(ROOT).parent.parts)))


def _breaks(text: str, path: Path) -> list[str]:
    room = path.relative_to(PACKAGE).parts[0]
    found = []
    for line, module in _imports(text, path):
        first, _, rest = module.partition(".")
        other = rest.split(".")[0]
        where = f"{path.relative_to(ROOT)}:{line} imports {module}"
        if first == "compress" and other in FLOORS and other != room and FLOORS[other] >= FLOORS[room]:
            found.append(f"{where}: {other} is on floor {FLOORS[other]}, {room} on floor {FLOORS[room]}")
        if first in TORCH and room in NO_TORCH:
            found.append(f"{where}: {room} does without torch")
        if room in ONLY and first not in {"compress", *ONLY[room]} and not _standard(first):
            found.append(f"{where}: {room} depends on {', '.join(sorted(ONLY[room])) or 'the standard library'} only")
    return found


def _standard(module: str) -> bool:
    return module in sys.stdlib_module_names


def _files() -> list[Path]:
    return sorted(path for path in PACKAGE.rglob("*.py") if path.parent != PACKAGE)


def test_every_room_has_a_floor() -> None:
    rooms = {path.relative_to(PACKAGE).parts[0] for path in _files()}
    assert rooms <= set(FLOORS), f"rooms without a floor: {sorted(rooms - set(FLOORS))}"


def test_imports_run_down() -> None:
    found = [text for path in _files() for text in _breaks(path.read_text(encoding="utf-8"), path)]
    assert not found, "\n" + "\n".join(found)


@pytest.mark.parametrize(
    ("room", "text"),
    [
        ("core", "import numpy"),
        ("geometry", "from compress.spaces import load_space"),
        ("spaces", "def f():\n    from compress import models"),
        ("models", "from ..driver import search"),
        ("archive", "def f():\n    import torch.nn"),
        ("evaluate", "from importlib import import_module\nimport_module('compress.surgery')"),
        ("runtime", "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from compress.models import Tracker"),
    ],
)
def test_a_break_is_seen(room: str, text: str) -> None:
    assert len(_breaks(text, PACKAGE / room / "x.py")) == 1


def test_what_is_allowed_is_not_reported() -> None:
    lines = [
        "import json, torch",
        "from compress import __version__",
        "from compress.core import describe",
        "from . import x",
    ]
    text = "\n".join(lines)
    assert _breaks(text, PACKAGE / "surgery" / "x.py") == []
