"""Fine-tunings in processes of their own: killed and continued, or shared by two, each ends as one left alone."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from compress.archive import Record, read_archive, read_curve
from compress.models import Tracker, build, load_weights, weights_key
from compress.testing.finetunable_run import write_finetunable_run

pytestmark = pytest.mark.slow

_STEPS = 40
_PROGRAM = """
import sys
from compress.cli import main
from compress.testing.small_teacher import registered

with registered():
    main(sys.argv[1:])
"""


_POOL, _STREAM = ("--pool", "64"), ("--cache-size", "0")


def _words(run: Path, steps: int = _STEPS, pairs: tuple[str, str] = _POOL) -> list[str]:
    options = ["--steps", str(steps), *pairs, "--save-every", "0", "--device", "cpu", "-q"]
    return ["finetune", str(run), "--variant", "v000", *options]


def _started(run: Path, *words: Any) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", _PROGRAM, *_words(run, *words)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=os.environ)


def _ended(run: Path, *words: Any) -> int:
    process = _started(run, *words)
    _, errors = process.communicate()
    assert process.returncode == 0, errors
    return process.returncode


def _stopped(run: Path, number: signal.Signals, after: int) -> int:
    """Ended by a signal once it has reported `after` times more; gives its exit code."""
    before, process = _reports(run), _started(run)
    while process.poll() is None and _reports(run) < before + after:
        time.sleep(0.01)
    assert process.poll() is None, f"it ended before it was stopped: {process.communicate()[1]}"
    process.send_signal(number)
    process.communicate()
    return process.returncode


def _reports(run: Path) -> int:
    return sum(len(path.read_text().splitlines()) for path in (run / "curves").glob("*.jsonl"))


def _result(run: Path) -> tuple[str, str, float | None]:
    (record,) = read_archive(run).finetuned
    return record.variant, weights_key(_network(run, record)), record.ao


def _network(run: Path, record: Record) -> Tracker:
    network = build(record.spec)
    load_weights(network, run / "checkpoints" / record.weights_file)
    return network


def test_a_killed_training_ends_as_one_left_alone(home: Path, weights: str, data: str, tmp_path: Path) -> None:
    alone = write_finetunable_run(tmp_path / "alone", weights, data)
    killed = Path(shutil.copytree(alone, tmp_path / "killed"))
    _ended(alone)
    assert _stopped(killed, signal.SIGKILL, after=3) == -signal.SIGKILL
    assert list((killed / "finetune").glob("*.safetensors")), "its state is there"
    assert read_archive(killed).finetuned == ()
    assert _stopped(killed, signal.SIGTERM, after=3) == 143
    _ended(killed)
    assert _result(killed) == _result(alone)
    assert not (killed / "finetune").exists()
    variant, _, _ = _result(alone)
    assert read_curve(killed, variant) == read_curve(alone, variant)
    assert read_curve(killed, variant)[-1].step == _STEPS


@pytest.mark.parametrize("pairs", [_POOL, _STREAM], ids=["pool", "stream"])
def test_two_processes_train_what_one_does(
    home: Path, weights: str, data: str, tmp_path: Path, pairs: tuple[str, str]
) -> None:
    alone = write_finetunable_run(tmp_path / "alone", weights, data)
    shared, program = Path(shutil.copytree(alone, tmp_path / "shared")), tmp_path / "program.py"
    program.write_text(_PROGRAM)
    _ended(alone, 6, pairs)
    torchrun = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    words = [*torchrun, str(program), *_words(shared, 6, pairs)]
    done = subprocess.run(words, capture_output=True, text=True, env=os.environ)
    assert done.returncode == 0, done.stderr
    (one,), (two,) = read_archive(alone).finetuned, read_archive(shared).finetuned
    assert one.variant == two.variant
    curves = [read_curve(run, one.variant) for run in (alone, shared)]
    assert [point.step for point in curves[1]] == [1, 2, 3, 4, 5, 6]
    for mine, theirs in zip(*curves, strict=True):
        assert mine.parts == pytest.approx(theirs.parts, rel=1e-5, abs=1e-5)
