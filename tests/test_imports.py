"""What stays light stays light: no heavy package is loaded before it is needed."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

HEAVY = {"torch", "ray", "optuna", "onnxruntime", "pandas", "cv2", "plotly", "timm", "scipy", "onnx", "numpy"}


def _loaded(code: str) -> set[str]:
    """Heavy packages that a fresh interpreter holds after running `code`."""
    tail = "\nimport sys\nprint('\\n' + ' '.join({name.split('.')[0] for name in sys.modules}))"
    result = subprocess.run([sys.executable, "-c", code + tail], capture_output=True, text=True, check=True)
    return set(result.stdout.splitlines()[-1].split()) & HEAVY


def _command(*words: str) -> str:
    run = f"    main({list(words)})"
    return f"from compress.cli import main\ntry:\n{run}\nexcept SystemExit as stop:\n    assert not stop.code"


@pytest.mark.parametrize(
    "module", ["compress", "compress.core", "compress.core.cost", "compress.spaces", "compress.cli"]
)
def test_import_is_light(module: str) -> None:
    assert _loaded(f"import {module}") == set()


@pytest.mark.parametrize("words", [["--help"], ["teachers"], ["spaces"], ["describe", "ostrack-nano", "--json"]])
def test_command_is_light(words: list[str]) -> None:
    assert _loaded(_command(*words)) == set()


def test_onnxruntime_sends_and_keeps_nothing(tmp_path: Path) -> None:
    environment = os.environ | {"HOME": str(tmp_path), "TMPDIR": str(tmp_path)}
    environment.pop("ORT_DISABLE_TELEMETRY", None)
    code = "import compress.runtime.sessions as s; s.session_options(threads=1)"
    subprocess.run([sys.executable, "-c", code], env=environment, check=True)
    assert list(tmp_path.iterdir()) == []


def test_every_command_module_is_light() -> None:
    code = "from importlib import import_module\nfrom compress.cli import COMMANDS\n"
    code += "for name in COMMANDS:\n    import_module('compress.cli.' + name.replace('-', '_'))"
    assert _loaded(code) == set()


def test_lazy_names_are_there() -> None:
    import compress

    assert compress.describe("ostrack-nano").dim == 128
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        compress.nothing  # type: ignore[attr-defined]  # noqa: B018
