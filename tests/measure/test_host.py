import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

from compress.measure import host, runtime_name


def test_the_same_host_every_time() -> None:
    assert host() == host()
    assert host().id == host().id
    assert host().cores >= 1
    assert host().cpu


def test_the_same_host_in_another_process() -> None:
    code = "from compress.measure.host import host; print(host().id, host())"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == f"{host().id} {host()}"


def test_the_runtime_carries_its_version() -> None:
    import onnxruntime

    assert runtime_name() == f"onnxruntime {onnxruntime.__version__}"


def _processor(monkeypatch: pytest.MonkeyPatch, folder: Path, **facts: str) -> str:
    """The fingerprint where the system tells these facts of its processor."""
    known = {"model name": "Virtual CPU", "cpu family": "25", "model": "1", "stepping": "1"}
    (folder / "cpuinfo").write_text("".join(f"{name}\t: {value}\n" for name, value in (known | facts).items()))
    monkeypatch.setattr(import_module("compress.measure.host.fingerprint"), "_CPUINFO", folder / "cpuinfo")
    return host().id


def test_another_processor_is_another_host(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Virtual machines share a name; profiles of one must not stand for another."""
    changes = [{}, {"model name": "Other CPU"}, {"model": "17"}, {"stepping": "2"}, {"cpu family": "26"}]
    assert len({_processor(monkeypatch, tmp_path, **facts) for facts in changes}) == len(changes)
    assert _processor(monkeypatch, tmp_path) == _processor(monkeypatch, tmp_path)
    assert _processor(monkeypatch, tmp_path, **{"cpu MHz": "900"}) == _processor(monkeypatch, tmp_path)
