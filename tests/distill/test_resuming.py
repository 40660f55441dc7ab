"""Trainings that were stopped come out, bit for bit, as those that were not."""

from __future__ import annotations

import csv
import multiprocessing
import os
import signal
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from compress.core import BypassSpec, ExitSpec, FileError, TrackerSpec
from compress.data import open_source
from compress.distill import (
    Checkpoint,
    Pool,
    StudentRecipe,
    TeacherRecipe,
    distill,
    distill_progressively,
    train_teacher,
)
from compress.distill.checkpoint import SaveTimes
from compress.models import Tracker, build, load_weights
from compress.surgery import inherit
from compress.testing.small_trackers import SPEC, shorter

CPU = torch.device("cpu")
GENERATED = open_source("generated")
STUDENT = StudentRecipe(batch=4, static=0.5)
_EIGHT: dict[str, Any] = {"steps": 8, "seed": 3, "device": CPU}
TEACHER = TeacherRecipe(steps=8, batch=8, reuse=3, warmup=2, drop_path=0.5)
BOTH = replace(SPEC, bypass=BypassSpec(n_enf=1, tau0=0.6), exits=(ExitSpec(1, adapter=2), ExitSpec(4)))


class Stopped(Exception):
    """As if the user had."""


def _equal(a: nn.Module, b: nn.Module) -> bool:
    theirs = b.state_dict()
    return all(torch.equal(value, theirs[name]) for name, value in a.state_dict().items())


def _stop_at(step: int) -> Callable[[int], None]:
    def before(now: int) -> None:
        if now == step:
            raise Stopped

    return before


Whole = Callable[[str, TrackerSpec], Tracker]


@pytest.fixture(scope="module")
def whole_student(awake_teacher: Callable[[str], tuple[Tracker, Pool]]) -> Whole:
    """The student that is never stopped, by the kind of its teacher and its own spec."""

    @cache
    def make(kind: str, spec: TrackerSpec) -> Tracker:
        teacher, pool = awake_teacher(kind)
        return distill(inherit(teacher, spec), pool, STUDENT, **_EIGHT)

    return make


@pytest.fixture(scope="module")
def whole_teacher(tmp_path_factory: pytest.TempPathFactory) -> tuple[Tracker, Path]:
    """A teacher whose training is never stopped, and its folder."""
    out = tmp_path_factory.mktemp("teachers") / "whole"
    return train_teacher(SPEC, TEACHER, GENERATED, out=out, device="cpu", workers=0, save_every=0.0), out


@pytest.mark.parametrize(("kind", "stop"), [("centre", 5), ("levit", 3)])
def test_a_static_student(
    awake_teacher: Callable[[str], tuple[Tracker, Pool]], whole_student: Whole, tmp_path: Path, kind: str, stop: int
) -> None:
    teacher, pool = awake_teacher(kind)
    spec = shorter(teacher.spec)
    _check(teacher, pool, whole_student(kind, spec), tmp_path, stop)


@pytest.mark.parametrize("stop", [2, 4, 6], ids=["static stage", "between", "joint stage"])
def test_an_adaptive_student(teacher: Tracker, pool: Pool, whole_student: Whole, tmp_path: Path, stop: int) -> None:
    _check(teacher, pool, whole_student("centre", BOTH), tmp_path, stop)


def _check(teacher: Tracker, pool: Pool, whole: Tracker, folder: Path, stop: int) -> None:
    kept = Checkpoint(folder / "student.safetensors", every_s=0.0)

    def fresh() -> Tracker:
        return inherit(teacher, whole.spec)

    with pytest.raises(Stopped):
        distill(fresh(), pool, STUDENT, before=_stop_at(stop), checkpoint=kept, **_EIGHT)
    assert kept.path.is_file()
    seen: list[float] = []
    continued = distill(
        fresh(), pool, STUDENT, checkpoint=kept, progress=lambda text, share, _=None: seen.append(share), **_EIGHT
    )
    assert seen == [step / 8 for step in range(stop + 1, 9)]
    assert _equal(whole, continued)
    with pytest.raises(FileError, match="'again' is False there, True here"):
        distill(fresh(), pool, STUDENT, checkpoint=kept, again=True, **_EIGHT)


@pytest.fixture
def heed_interrupts() -> Iterator[None]:
    """Shells start background jobs deaf to SIGINT, and those inherit that."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("heed_interrupts")
def test_seven_interrupts_in_a_row_cost_no_step(
    teacher: Tracker, pool: Pool, whole_student: Whole, tmp_path: Path
) -> None:
    """Each comes in the midst of a step, which is done and saved, long before a save would be due."""
    kept, seen = Checkpoint(tmp_path / "student.safetensors"), []

    def interrupt(step: int) -> None:
        seen.append(step)
        signal.raise_signal(signal.SIGINT)

    for _ in range(7):
        with pytest.raises(KeyboardInterrupt):
            distill(inherit(teacher, BOTH), pool, STUDENT, before=interrupt, checkpoint=kept, **_EIGHT)
    assert seen == list(range(7))
    last = distill(inherit(teacher, BOTH), pool, STUDENT, checkpoint=kept, before=seen.append, **_EIGHT)
    assert _equal(whole_student("centre", BOTH), last)
    assert seen == list(range(8))


def test_saves_are_due_often_at_first_and_seldom_where_they_take_long() -> None:
    now = 0.0
    times = SaveTimes(60.0, clock=lambda: now)

    def next_save(*, takes: float) -> float:
        """Seconds after the last one."""
        nonlocal now
        begin = now
        while not times.due:
            now += 0.25
        found = now - begin
        with times.saving():
            now += takes
        return found

    assert [next_save(takes=0) for _ in range(3)] == [1.0, 1.0, 1.0]
    now = 100.0
    assert times.due
    next_save(takes=0)
    assert 10 <= next_save(takes=1.0) <= 12, "a tenth of the time that it ran"
    assert 20 <= next_save(takes=0) <= 21, "a twentieth of it is spent on saving"
    now = 10_000.0
    next_save(takes=0)
    assert next_save(takes=0) == 60.0
    assert SaveTimes(0.0).due


@pytest.mark.parametrize("stop", [3, 9], ids=["while layers fade", "after"])
def test_a_student_whose_layers_fade(
    awake_teacher: Callable[[str], tuple[Tracker, Pool]], tmp_path: Path, stop: int
) -> None:
    teacher, pool = awake_teacher("tokens")
    run = {"fade_steps": 5, "steps": 6, "seed": 3, "device": CPU}
    spec, count = shorter(teacher.spec), 0

    def until(text: str, share: float, figures: Mapping[str, float] | None = None) -> None:
        nonlocal count
        count += 1
        if count == stop:
            raise Stopped

    whole = distill_progressively(teacher, spec, pool, STUDENT, **run)
    kept = Checkpoint(tmp_path / "student.safetensors", every_s=0.0)
    with pytest.raises(Stopped):
        distill_progressively(teacher, spec, pool, STUDENT, checkpoint=kept, progress=until, **run)
    assert _equal(whole, distill_progressively(teacher, spec, pool, STUDENT, checkpoint=kept, **run))


@pytest.mark.parametrize("stop", [1, 2, 4, 7])
def test_a_teacher(whole_teacher: tuple[Tracker, Path], tmp_path: Path, stop: int) -> None:
    """With stochastic depth, and in the midst of a batch that is used three times."""

    def until(text: str, share: float, figures: Mapping[str, float] | None = None) -> None:
        if text.startswith(f"step {stop + 1} "):
            raise Stopped

    run = {"device": "cpu", "workers": 0, "save_every": 0.0}
    whole, folder = whole_teacher
    with pytest.raises(Stopped):
        train_teacher(SPEC, TEACHER, GENERATED, out=tmp_path / "stopped", progress=until, **run)
    assert _equal(whole, train_teacher(SPEC, TEACHER, GENERATED, out=tmp_path / "stopped", **run))
    assert _steps(tmp_path / "stopped") == _steps(folder) == list(range(1, 9))
    assert (tmp_path / "stopped/log.csv").read_text() == (folder / "log.csv").read_text()


def _steps(folder: Path) -> list[int]:
    with (folder / "log.csv").open(newline="") as file:
        return [int(row["step"]) for row in csv.DictReader(file)]


def _killed(out: Path) -> None:
    def kill(text: str, share: float, figures: Mapping[str, float] | None = None) -> None:
        if text.startswith("step 5 "):
            os.kill(os.getpid(), signal.SIGKILL)

    torch.set_num_threads(1)
    train_teacher(SPEC, TEACHER, GENERATED, out=out, device="cpu", workers=0, save_every=0.0, progress=kill)


def test_a_teacher_that_was_killed(whole_teacher: tuple[Tracker, Path], tmp_path: Path) -> None:
    context = multiprocessing.get_context("forkserver")  # one that was spawned would load PyTorch again
    context.set_forkserver_preload(["compress.driver.worker", "compress.distill"])
    process = context.Process(target=_killed, args=(tmp_path / "killed",))
    process.start()
    process.join()
    assert process.exitcode == -signal.SIGKILL
    assert _steps(tmp_path / "killed")[-1] == 5
    run = {"device": "cpu", "workers": 0}
    continued = train_teacher(SPEC, TEACHER, GENERATED, out=tmp_path / "killed", **run)
    assert _equal(continued, whole_teacher[0])
    # The schedule hangs on the steps, so continuing with another number of them is another training.
    with pytest.raises(FileError, match="other settings"):
        train_teacher(SPEC, replace(TEACHER, steps=10), GENERATED, out=tmp_path / "killed", **run)


def test_a_teacher_is_the_same_whoever_makes_its_pairs(whole_teacher: tuple[Tracker, Path], tmp_path: Path) -> None:
    run = {"device": "cpu", "save_every": 1e9}
    assert _equal(whole_teacher[0], train_teacher(SPEC, TEACHER, GENERATED, out=tmp_path / "two", workers=2, **run))


def test_an_older_state_is_refused(tmp_path: Path) -> None:
    (tmp_path / "state.pt").write_bytes(b"anything")
    with pytest.raises(FileError, match="older version"):
        train_teacher(SPEC, TEACHER, GENERATED, out=tmp_path, device="cpu", workers=0)


def test_weights_are_there_at_every_save(tmp_path: Path) -> None:
    def until(text: str, share: float, figures: Mapping[str, float] | None = None) -> None:
        if text.startswith("step 3 "):
            raise Stopped

    with pytest.raises(Stopped):
        train_teacher(SPEC, TEACHER, GENERATED, out=tmp_path, device="cpu", workers=0, save_every=0.0, progress=until)
    load_weights(build(SPEC), tmp_path / "weights.safetensors")
