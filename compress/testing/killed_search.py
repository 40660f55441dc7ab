"""A small search for real, killed by SIGKILL again and again and continued, beside the same search left to itself."""

from __future__ import annotations

import os
import re
import signal
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

from compress.archive import Record, read_archive, read_study
from compress.core import FileError

SMALL: dict[str, Any] = {
    "target": "agx",  # predicted from published figures, so that nothing is timed and fronts can be compared
    "speedup": 1.5,
    "trials": 12,
    "generation": 4,
    "members": 1,
    "eta": 2,
    "steps": 4,
    "pool": 64,
    "executor": "inline",
    "device": "cpu",
}
"""Settings of the search, beside weights and data."""

_NOTED = re.compile(r" (v\d+) ([\w-]+): (?:AO|failed)")

Row = tuple[Any, ...]


@dataclass(frozen=True)
class Kill:
    """What one kill left, and what became of what was there before.

    Attributes:
        seconds: From the start of its process.
        ended: Trials that had ended at that moment; `results` jobs whose result was recorded.
        lost: Of those that had ended at the kill before, trials that are not as they were.
        repeated: Jobs that were run again although their result was recorded.
    """

    run: int
    kill: int
    seconds: float
    ended: int
    results: int
    lost: int
    repeated: int


def started(out: Path, settings: dict[str, Any]) -> int:
    """A process, forked from this one, that searches; its id. This one must not have computed by torch."""
    pid = os.fork()
    if pid:
        return pid
    try:
        from compress import search

        os.setsid()
        with (out.parent / f"{out.name}.output").open("a") as file:
            os.dup2(file.fileno(), 1)
            os.dup2(file.fileno(), 2)
        search(out=out, **settings)
    except BaseException:
        import traceback

        traceback.print_exc()
        os._exit(1)
    os._exit(0)


def undisturbed(out: Path, settings: dict[str, Any]) -> float:
    """Search to the end; gives the seconds that it took.

    Raises:
        AssertionError: it failed.
    """
    begin = time.monotonic()
    _, status = os.waitpid(started(out, settings), 0)
    assert status == 0, f"the search failed: see {out.parent / (out.name + '.output')}"
    return time.monotonic() - begin


def killed(
    out: Path, settings: dict[str, Any], *, within: tuple[float, float], most: int, run: int, seed: int
) -> Iterator[Kill]:
    """Search until it ends, killed at random moments.

    Args:
        within: Seconds from the start of a process between which it is killed.
        most: Kills; the process after them is left to end.

    Raises:
        AssertionError: a process failed by itself.
    """
    draw, before = Random(seed), dict[int, Row]()
    for kill in range(most):
        pid, seconds = started(out, settings), draw.uniform(*within)
        if _ends(pid, seconds, out):
            return
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
        trials = trials_of(out)
        ended = {number: row for number, row in trials.items() if row[0] not in ("RUNNING", "WAITING")}
        lost = sum(ended.get(number) != row for number, row in before.items())
        results = sum(row[-1] for row in trials.values())
        yield Kill(run, kill, round(seconds, 2), len(ended), results, lost, repeated_jobs(out))
        before = ended
    undisturbed(out, settings)


def _ends(pid: int, seconds: float, out: Path) -> bool:
    """Whether a process ends well within some seconds."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        found, status = os.waitpid(pid, os.WNOHANG)
        if found:
            assert status == 0, f"the search failed: see {out.parent / (out.name + '.output')}"
            return True
        time.sleep(0.02)
    return False


def trials_of(out: Path) -> dict[int, Row]:
    """What a run's study holds of each trial, by number; empty before there is one."""
    try:
        study = read_study(out)
    except FileError:
        return {}
    rows = {}
    for trial in study.trials:
        record = Record.from_attrs(trial.user_attrs["record"])
        key = (trial.state.name, record.spec.id, record.status, record.fidelity, record.ao, record.reason)
        rows[trial.number] = (*key, trial.values and tuple(trial.values), len(record.rungs))
    return rows


def repeated_jobs(out: Path) -> int:
    """Jobs whose result was noted more than once in the log of a run."""
    path = out / "log.txt"
    noted = Counter(_NOTED.findall(path.read_text())) if path.is_file() else Counter[tuple[str, str]]()
    return sum(count - 1 for count in noted.values())


def front_of(out: Path) -> list[Row]:
    """The final front of a run: spec, accuracy, latency."""
    archive = read_archive(out)
    return [(r.variant, r.spec.id, r.ao, r.latency and r.latency.mean_ms) for r in archive.front(archive.fidelity)]
