"""`measure.pyz`: complete, free of the package around it, and readable by the Python of devices."""

from __future__ import annotations

import ast
import io
import os
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from compress.measure.kit.measure_pyz import MODULES, measure_archive, sources

THIRD_PARTY = {"numpy", "onnxruntime", "cv2"}
MODULE_TEXTS = {name: text for name, text in sources().items() if not name.endswith("__init__.py")}


def _run_time(node: ast.AST) -> Iterator[ast.AST]:
    """Nodes that are evaluated on the device: neither annotations nor what only a type checker reads."""
    yield node
    children: list[ast.AST | None] = [*ast.iter_child_nodes(node)]
    if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
        children = [*node.orelse]
    elif isinstance(node, ast.FunctionDef):
        children = [*node.body, *node.decorator_list, *node.args.defaults, *node.args.kw_defaults]
    elif isinstance(node, ast.AnnAssign):
        children = [node.value]
    for child in filter(None, children):
        yield from _run_time(child)


def _imports(text: str) -> set[str]:
    found = set()
    for node in _run_time(ast.parse(text)):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            modules = {f"{node.module}.{alias.name}" for alias in node.names if _is_module(node, alias)}
            found |= modules or {str(node.module)}
    return found


def _is_module(node: ast.ImportFrom, alias: ast.alias) -> bool:
    return f"{str(node.module).replace('.', '/')}/{alias.name}.py" in MODULE_TEXTS


def test_it_holds_what_it_imports_and_nothing_else() -> None:
    imported = {module for text in MODULE_TEXTS.values() for module in _imports(text)}
    ours = {f"{module.replace('.', '/')}.py" for module in imported if module.startswith("compress")}
    assert ours == {f"compress/{name}" for name in MODULES}
    others = {module.split(".")[0] for module in imported if not module.startswith("compress")}
    assert others - set(sys.stdlib_module_names) == THIRD_PARTY


def test_what_is_not_everywhere_is_imported_where_it_is_needed() -> None:
    """TensorRT's kits do without onnxruntime, and any kit without OpenCV."""
    for name, text in MODULE_TEXTS.items():
        top = {str(getattr(node, "module", "")) for node in ast.parse(text).body if isinstance(node, ast.ImportFrom)}
        if name.startswith("compress/measure/kit_runtime"):
            assert not top & {"compress.runtime.sessions", "compress.measure.graph_frames"}, name


@pytest.mark.parametrize("name", sorted(MODULE_TEXTS))
def test_python_3_8_reads_it(name: str) -> None:
    tree = ast.parse(MODULE_TEXTS[name], feature_version=(3, 8))
    assert name == "__main__.py" or "from __future__ import annotations" in MODULE_TEXTS[name]
    for node in _run_time(tree):
        shown = ast.unparse(node) if isinstance(node, ast.expr) else ""
        # Evaluated from Python 3.9 or 3.10 on only.
        assert not (isinstance(node, ast.Subscript) and shown.split("[")[0] in _GENERIC), shown
        if isinstance(node, ast.Call):
            assert not {"strict", "slots", "kw_only"} & {keyword.arg for keyword in node.keywords}, shown
        if isinstance(node, ast.Attribute):
            assert node.attr not in {"removeprefix", "removesuffix", "bit_count", "is_relative_to"}, shown
        if isinstance(node, ast.ImportFrom):
            assert not {alias.name for alias in node.names} & {"TypeAlias", "cache", "ParamSpec", "Self"}, name
        assert not isinstance(node, ast.Match), name


_GENERIC = {"list", "dict", "tuple", "set", "frozenset", "type", "Sequence", "Mapping", "Callable", "Iterator", "deque"}


def test_equal_sources_make_equal_archives() -> None:
    first, second = measure_archive(), measure_archive()
    with zipfile.ZipFile(io.BytesIO(first)) as one, zipfile.ZipFile(io.BytesIO(second)) as two:
        assert sorted(one.namelist()) == sorted(two.namelist())
        assert {name: one.read(name) for name in one.namelist()} == {name: two.read(name) for name in two.namelist()}
    assert len(first) < 60_000


def test_it_runs_alone(tmp_path: Path) -> None:
    """Isolated, in another folder: nothing but what is installed beside numpy can be imported."""
    archive = tmp_path / "measure.pyz"
    archive.write_bytes(measure_archive())
    code = f"import sys; sys.path.insert(0, {str(archive)!r}); import compress; print(compress.__file__)"
    shown = _isolated("-c", code, cwd=tmp_path)
    assert shown.stdout.strip() == f"{archive}/compress/__init__.py"
    assert "--loop" in _isolated(str(archive), "--help", cwd=tmp_path).stdout


def test_what_is_missing_is_named(tmp_path: Path) -> None:
    archive = tmp_path / "measure.pyz"
    archive.write_bytes(measure_archive())
    done = _isolated("-S", str(archive), cwd=tmp_path)
    assert done.returncode == 1
    assert done.stderr.strip().endswith("No module named 'numpy'")


def _isolated(*words: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    command = [sys.executable, "-I", *words]
    return subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True, timeout=60)
