"""Trainings as users start them: killed by `kill -9`, ended by SIGTERM, several processes by `torchrun`."""

from __future__ import annotations

import csv
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

_COMMON = ["train-teacher", "ostrack-nano", "--batch", "4", "--drop-path", "0", "--workers", "0", "--warmup", "2"]
# At a higher rate AdamW makes steps of what in float32 is rounding: gradients of no size but of some sign.
_COMMON += ["--lr", "2e-4"]
_TORCHRUN = ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2", "-m", "compress"]


def _command(out: Path, steps: int, *words: str, launcher: list[str] | None = None) -> list[str]:
    begin = [sys.executable, *(launcher or ["-m", "compress"])]
    return [*begin, *_COMMON, "--steps", str(steps), "--out", str(out), "--device", "cpu", *words]


def _run(command: list[str]) -> None:
    found = subprocess.run(command, capture_output=True, text=True, env=_environment())
    assert found.returncode == 0, found.stderr


def _environment() -> dict[str, str]:
    return os.environ | {"OMP_NUM_THREADS": "1", "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}


def _curve(out: Path, name: str = "log.csv") -> list[dict[str, str]]:
    with (out / name).open(newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A training of 24 steps that nothing disturbs."""
    out = tmp_path_factory.mktemp("trainings") / "whole"
    _run(_command(out, 24))
    assert len(_curve(out)) == 24
    return out


def _started(command: list[str], out: Path, rows: int) -> subprocess.Popen[bytes]:
    """A training that has logged some rows."""
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=_environment())
    while not (out / "log.csv").is_file() or len(_curve(out)) < rows:
        assert process.poll() is None, "it ended before it was killed"
        time.sleep(0.02)
    return process


def _ended(command: list[str], out: Path, rows: int, number: signal.Signals) -> int:
    process = _started(command, out, rows)
    process.send_signal(number)
    return process.wait()


@pytest.mark.parametrize(("number", "code"), [(signal.SIGKILL, -9), (signal.SIGTERM, 143)])
def test_the_curve_of_a_killed_training_is_the_undisturbed_one(
    whole: Path, tmp_path: Path, number: signal.Signals, code: int
) -> None:
    """To the last digit, killed twice, at whatever step that is."""
    out = tmp_path / "killed"
    assert _ended(_command(out, 24), out, 6, number) == code
    assert _ended(_command(out, 24), out, 12, number) == code
    _run(_command(out, 24))
    assert (out / "log.csv").read_bytes() == (whole / "log.csv").read_bytes()
    assert [row["step"] for row in _curve(out, "pace.csv")] == [str(i) for i in range(1, 25)]


@pytest.fixture
def two(whole: Path, tmp_path: Path) -> Iterator[Path]:
    """Where two processes train what one has; at the end the curves agree."""
    out = tmp_path / "two"
    yield out
    for mine, theirs in zip(_curve(out), _curve(whole), strict=True):
        assert mine.keys() == theirs.keys()
        for name, value in mine.items():
            assert float(value) == pytest.approx(float(theirs[name]), rel=1e-5, abs=1e-5), (mine["step"], name)


def test_two_processes_have_the_curve_of_one(two: Path) -> None:
    _run(_command(two, 24, launcher=_TORCHRUN))


def test_two_processes_that_were_ended_go_on(two: Path) -> None:
    """SIGTERM to torchrun reaches both, which save the same step."""
    _ended(_command(two, 24, launcher=_TORCHRUN), two, 6, signal.SIGTERM)
    _run(_command(two, 24, launcher=_TORCHRUN))
