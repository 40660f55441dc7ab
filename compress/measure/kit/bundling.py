"""Joins the modules that travel in a kit into one file, so that a device measures with the code that runs here."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

_HERE = Path(__file__).parents[1]
_LOOP = ("timing.py", "host.py", "kit_runtime/facts.py", "kit_runtime/loop.py", "kit_runtime/weights.py")
_TYPES_ONLY = ("compress", "collections.abc", "typing", "numpy.typing")
"""Imports that are in the file itself, or that only annotations need, which nobody evaluates."""

_HEAD = '''"""{about}

Joined from modules of compress, which measures with the same code itself. Python 3.8 or newer.
"""

from __future__ import annotations

'''


def measure_script() -> str:
    """The text of measure.py."""
    about = "Measures the kit beside it: python3 measure.py. Needs numpy and onnxruntime; uses OpenCV if there is one."
    return _joined(about, (*_LOOP, "kit_runtime/sessions.py", "kit_runtime/run.py"))


def loop_script() -> str:
    """The text of host_loop.py, which makes weights and times the frame loop without a network."""
    about = "Makes the weights of the kit beside it and times its frame loop. Needs numpy."
    return _joined(about, (*_LOOP, "kit_runtime/host_loop.py"))


def _joined(about: str, modules: tuple[str, ...]) -> str:
    """One text of several modules.

    Raises:
        ValueError: two modules define the same name.
    """
    imports: dict[str, None] = {}
    bodies: list[str] = []
    names: set[str] = set()
    for module in modules:
        text = (_HERE / module).read_text(encoding="utf-8")
        tree = ast.parse(text, feature_version=(3, 8))
        defined = set(_defined(tree))
        if names & defined:
            raise ValueError(f"{module} defines {', '.join(sorted(names & defined))} again")
        names |= defined
        imports |= dict.fromkeys(_imports(tree))
        bodies.append(_without(text, tree))
    return _HEAD.format(about=about) + "\n".join(sorted(imports)) + "\n\n" + "\n\n\n".join(bodies) + "\n"


def _imports(tree: ast.Module) -> Iterator[str]:
    for node in tree.body:
        if isinstance(node, ast.Import) or (isinstance(node, ast.ImportFrom) and _wanted(node)):
            yield ast.unparse(node)


def _wanted(node: ast.ImportFrom) -> bool:
    module = node.module or ""
    return module != "__future__" and not any(module == name or module.startswith(f"{name}.") for name in _TYPES_ONLY)


def _defined(tree: ast.Module) -> Iterator[str]:
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            yield node.name
        elif isinstance(node, ast.Assign):
            yield from (name.id for target in node.targets for name in ast.walk(target) if isinstance(name, ast.Name))


def _without(text: str, tree: ast.Module) -> str:
    """A module's text less its docstring, its imports, and its names for types with what is said of them."""
    lines, dropped = text.splitlines(), True
    for node in tree.body:
        alias = isinstance(node, ast.AnnAssign) and ast.unparse(node.annotation) == "TypeAlias"
        said = dropped and isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
        types_only = isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"
        dropped = alias or said or types_only or isinstance(node, ast.Import | ast.ImportFrom)
        if dropped:
            end = node.end_lineno or node.lineno
            lines[node.lineno - 1 : end] = [""] * (end - node.lineno + 1)
    return re.sub(r"\n{4,}", "\n\n\n", "\n".join(lines)).strip("\n")
