"""The wheel holds what the tool needs where no source tree is."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent


@pytest.fixture(scope="module")
def unpacked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    pytest.importorskip("hatchling")
    folder = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    result = subprocess.run(build, cwd=ROOT, capture_output=True, text=True)
    assert result.returncode == 0, result.stdout + result.stderr
    with zipfile.ZipFile(next(folder.glob("*.whl"))) as wheel:
        wheel.extractall(folder / "site")
    return folder / "site"


def _run(unpacked: Path, *words: str) -> subprocess.CompletedProcess[str]:
    environment = os.environ | {"PYTHONPATH": str(unpacked)}
    return subprocess.run(
        [sys.executable, *words], cwd=unpacked.parent, env=environment, capture_output=True, text=True
    )


def test_data_rooms_and_weights_are_inside(unpacked: Path) -> None:
    assert (unpacked / "compress" / "_data" / "search_spaces" / "ostrack.yaml").is_file()
    assert (unpacked / "compress" / "_data" / "hw_profiles").is_dir()
    assert (unpacked / "compress" / "_data" / "recipes" / "ostrack.yaml").is_file()
    for name in ("page.css", "page.js", "templates/page.html.j2", "templates/macros.html.j2"):
        assert (unpacked / "compress" / "report" / name).is_file()
    for name in ("otb.csv", "uav123.csv"):
        assert (unpacked / "compress" / "data" / "readers" / "tables" / name).is_file()
    shipped = {path.name for path in (ROOT / "compress" / "models" / "weights").glob("*.safetensors")}
    assert shipped == {path.name for path in (unpacked / "compress" / "models" / "weights").glob("*.safetensors")}


def test_spaces_are_found_outside_the_source_tree(unpacked: Path) -> None:
    code = "import compress; from compress.spaces import load_space\n"
    code += "print(compress.__file__, len(load_space('ostrack').knobs))"
    result = _run(unpacked, "-c", code)
    assert result.returncode == 0, result.stderr
    place, knobs = result.stdout.rsplit(maxsplit=1)
    assert place.startswith(str(unpacked))
    assert knobs == "5"


def test_licence_and_command_are_declared(unpacked: Path) -> None:
    info = next(unpacked.glob("*.dist-info"))
    assert "compress = compress.cli:main" in (info / "entry_points.txt").read_text()
    assert "Apache License" in (info / "licenses" / "LICENSE").read_text()
