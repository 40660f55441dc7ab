"""`compress profile` from end to end: the kit and ssh to a server on loopback."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from compress.cli.latency import command as latency
from compress.cli.profile import command, kit, measure
from compress.core import CompressError, HeadSpec, LayerSpec, TrackerSpec, UsageError
from compress.measure.kit.request import Request
from compress.measure.ssh.connection import Remote


@pytest.fixture(autouse=True)
def _place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A home of its own."""
    monkeypatch.setenv("COMPRESS_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("TMPDIR", str(tmp_path))


@pytest.fixture
def teacher(tmp_path: Path) -> str:
    """A file that describes a tracker small enough to be timed in no time."""
    layers = tuple(LayerSpec(source=i, mlp_hidden=256) for i in range(3))
    spec = TrackerSpec(dim=64, heads=2, layers=layers, template_size=32, search_size=64, head=HeadSpec(channels=16))
    path = tmp_path / "teacher.json"
    path.write_text(spec.to_json())
    return str(path)


@pytest.mark.slow
def test_a_kit_goes_out_and_comes_back(teacher: str, tmp_path: Path) -> None:
    kit = tmp_path / "kit"
    about = _json("kit", "--target", "board", "--teacher", teacher, "--out", str(kit), "--provider", "cpu")
    assert about["target"] == "board"
    assert about["run"] == "python3 measure.pyz"
    environment = os.environ | {"TMPDIR": str(tmp_path)}
    done = subprocess.run([sys.executable, "-I", str(kit / "measure.pyz")], env=environment, capture_output=True)
    assert done.returncode == 0, done.stderr
    found = _json("ingest", str(kit / "results.json"))
    assert (found["target"], found["provenance"], found["threads"]) == ("board", "measured", 1)
    assert found["conditions"]["python"]
    assert Path(found["file"]).is_file()
    shown = CliRunner().invoke(latency, [teacher, "--target", "board", "--json"], catch_exceptions=False)
    assert json.loads(shown.stdout)["provenance"] == "predicted"
    text = _run("ingest", str(kit / "results.json")).stdout
    assert "board  measured on" in text
    assert "error on the validation set" in text
    assert "numpy: " in text


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("ssh") is None, reason="needs OpenSSH's client")
def test_a_device_is_measured_over_ssh(teacher: str, tmp_path: Path, board: Any) -> None:
    words = ["--host", "board", "--ssh-config", str(board.config), "--remote-python", sys.executable]
    found = _json("measure", "--target", "board", "--teacher", teacher, "--provider", "cpu", *words)
    assert (found["target"], found["provenance"]) == ("board", "measured")
    assert board.left_over == []
    assert not list(tmp_path.glob("compress-kit*"))


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("ssh") is None, reason="needs OpenSSH's client")
def test_ctrl_c_leaves_nothing_on_the_device(teacher: str, tmp_path: Path, board: Any) -> None:
    words = ["--host", "board", "--ssh-config", str(board.config), "--remote-python", sys.executable]
    words += ["--target", "board", "--teacher", teacher, "--provider", "cpu", "--rounds", "1000"]
    command = [sys.executable, "-m", "compress", "profile", "measure", *words]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, start_new_session=True)
    assert process.stderr is not None
    with process.stderr:
        while "measuring on the device" not in (line := process.stderr.readline()):
            assert line, "it ended before it measured"
        assert board.left_over
        os.killpg(process.pid, signal.SIGINT)  # as a terminal does: to ssh too
        assert "Interrupted." in process.stderr.read()
    assert process.wait(60) == 130
    assert board.left_over == []


@pytest.fixture
def board(tmp_path: Path) -> Iterator[Any]:
    pytest.importorskip("asyncssh")
    from compress.testing.loopback import serving

    with serving(tmp_path / "board") as device:
        yield device


@pytest.mark.parametrize(
    ("words", "error", "message"),
    [
        (["--target", "agx"], UsageError, "needs a subcommand before --target: `compress profile measure`"),
        (["measure", "--target", "cpu", "--host", "a"], UsageError, "may not name another device"),
        (["kit", "--target", "gpu", "--out", "kit"], UsageError, "may not name another device"),
        (["measure", "--target", "board"], UsageError, "board is not this host. Give --host"),
        (["measure", "--target", "a b", "--host", "a"], UsageError, "names no device"),
        (["measure", "--target", "board", "--host", "a;b"], UsageError, "--host must be"),
        (["measure", "--target", "x", "--host", "a", "--ssh-option", "BatchMode=no"], UsageError, "is always yes"),
        (["measure", "--target", "board", "--host", "a", "--space", "none"], CompressError, "none"),
        (["ingest", "nowhere.json"], CompressError, "There is no results of a kit at nowhere.json"),
        (["measure", "--teacher", "ostrack-nona"], UsageError, "ostrack-nano"),
    ],
)
def test_what_cannot_be_is_said(words: list[str], error: type[Exception], message: str) -> None:
    found = CliRunner().invoke(command, words).exception
    assert isinstance(found, error)
    assert message in str(found)


def test_defaults_are_those_of_what_the_options_make() -> None:
    options = {option.name: option.default for each in (measure, kit) for option in each.params}
    kept = {field.name: field.default for field in (*fields(Request), *fields(Remote))}
    for name, field in (("threads", "threads"), ("rounds", "rounds"), ("provider", "provider")):
        assert options[name] == kept[field]
    for name, field in (("remote_python", "python"), ("time_limit", "limit_s")):
        assert options[name] == kept[field]


def _run(*words: str) -> Result:
    return CliRunner().invoke(command, [*words, "--quiet"], catch_exceptions=False)


def _json(*words: str) -> Any:
    return json.loads(_run(*words, "--json").stdout)
