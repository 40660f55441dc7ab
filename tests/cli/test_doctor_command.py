"""`compress doctor`, and how it judges a machine."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from compress.cli.doctor import command
from compress.measure.doctor import calm
from compress.measure.host import host


def test_everything_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COMPRESS_HOME", str(tmp_path))
    result = CliRunner().invoke(command, ["--json"], catch_exceptions=False)
    assert result.exit_code == 0
    found = {row["name"]: row for row in json.loads(result.stdout)}
    assert host().id in found["host"]["found"]
    assert "CPUExecutionProvider" in found["onnxruntime providers"]["found"]
    assert {"python", "torch", "torch CUDA", "g++", "ssh", "trtexec", "CPU clock", "load", "noise"} <= set(found)
    assert found["targets of this host"]["found"].startswith("cpu, cpu:onnxruntime-int8, cpu:pytorch")
    assert found["profiles kept"]["found"] == "none"
    assert all(row["advice"] for row in found.values() if not row["ok"])


def test_what_is_missing_is_said_with_advice(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    result = CliRunner().invoke(command, [], catch_exceptions=False)
    assert result.exit_code == 0
    assert "! ssh: not found\n    `compress profile measure --host` needs OpenSSH's client" in result.stdout
    assert "! trtexec: not found" in result.stdout
    assert "! g++: not found" in result.stdout
    assert "cpu:pytorch-compiled: torch.compile finds no C++ compiler" in result.stdout


def test_a_restless_machine_is_told() -> None:
    """Eight runs a visit: a call that works ten times as much in every other round disagrees with itself."""
    count = iter(range(10**6))

    def uneven() -> int:
        return sum(range(200_000 if (next(count) // 8) % 2 else 20_000))

    finding = calm([uneven])
    assert not finding.ok
    assert "A profile is measured twice, and its errors given wider" in finding.advice
