"""For all tests: several processes that share the cores, and what is costly to make."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from compress.testing.shared import Shared

if TYPE_CHECKING:
    from compress.core import TrackerSpec
    from compress.measure.budget import MeasurementBudget

# Before anything imports numpy or torch; processes that tests start inherit it. Networks as small as those of the tests
# only wait for one another on more threads, and two OpenMP pools on the same cores run many times slower.
for _name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ.setdefault(_name, "1")

MOST_WORKERS = 8
"""Each takes about a gigabyte."""

LONGEST = ("driver", "export", "measure", "test_habits.py", "models", "surgery", "cli")
"""Started first, so that the last files are short ones and all workers end together."""


@pytest.hookimpl(tryfirst=True)
def pytest_cmdline_main(config: pytest.Config) -> None:
    """A worker for each core where whole folders are tested, unless -n says otherwise; files go to a worker whole."""
    option = config.option
    if getattr(option, "numprocesses", 0) is not None or option.usepdb or option.collectonly:
        return  # no pytest-xdist, or the user's choice
    if "PYTEST_XDIST_WORKER" in os.environ:
        return  # a worker, or a run of pytest that a test starts: those have no workers of their own
    if all(Path(word.partition("::")[0]).is_dir() for word in config.args):
        option.numprocesses = min(_cores(), MOST_WORKERS)
        option.dist = "loadfile" if option.dist == "no" else option.dist
        option.loadscopereorder = False  # the order below is better than most tests first


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    root = Path(__file__).parent

    def place(item: pytest.Item) -> int:
        first = item.path.relative_to(root).parts[0]
        return LONGEST.index(first) if first in LONGEST else len(LONGEST)

    items.sort(key=place)


@pytest.fixture(autouse=True)
def _one_thread() -> Iterator[None]:
    """Undoes what a test did to the number of torch's threads."""
    yield
    if torch := sys.modules.get("torch"):
        torch.set_num_threads(1)


@pytest.fixture(scope="session")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Shared:
    """What all workers share, for as long as the tests run."""
    base = tmp_path_factory.getbasetemp()
    return Shared((base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "shared")


@pytest.fixture
def small_budget(monkeypatch: pytest.MonkeyPatch) -> None:
    """Profiles are measured once, on networks half as deep, and routing overhead on six paths, in fewer runs.

    For tests of what is made of the times, which tests of calibration hold on times that are made up.
    """
    from dataclasses import replace
    from importlib import import_module

    from compress.measure.budget import budget_of
    from compress.testing.backend_suite import measure_once

    def small(teacher: TrackerSpec) -> MeasurementBudget:
        usual = budget_of(teacher)
        return replace(usual, depths=replace(usual.depths, deep=6), dropped=1, timed=2, paths=6)

    for module in ("calibration.routing_overhead", "stacks.timing_plan"):
        monkeypatch.setattr(import_module(f"compress.measure.{module}"), "budget_of", small)
    measure_once(monkeypatch)


@pytest.fixture
def said(capsys: pytest.CaptureFixture[str]) -> Callable[..., Any]:
    """Runs a command that succeeds; returns its JSON."""
    from compress.testing.commands import exit_code

    def run(*words: object) -> Any:
        capsys.readouterr()
        code = exit_code(*words, "--json")
        captured = capsys.readouterr()
        assert code == 0, captured.err
        return json.loads(captured.out)

    return run


@pytest.fixture
def refused(capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, str]]:
    """Runs a command; returns its exit code and its message on one line."""
    from compress.testing.commands import exit_code

    def run(*words: object) -> tuple[int, str]:
        capsys.readouterr()
        return exit_code(*words), " ".join(capsys.readouterr().err.split())

    return run
