"""What a training reports now and then, and who takes it: the display, the log, TensorBoard."""

from __future__ import annotations

import csv
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from torch import Tensor

from compress.core import FileError, UsageError
from compress.core.opening import read_bounded
from compress.core.progress import Progress
from compress.core.writing import writing

_MOST_LOG, _LONGEST_STEP = 4 << 20, 12
"""Bytes of a log, and digits of a step in it."""


@dataclass(frozen=True)
class Report:
    """A training since its last report.

    Attributes:
        step: Steps done, of `steps`.
        means: Of each part of the loss.
        lr: Learning rate of the next step, the highest of all parameters'.
        pairs_per_s: Over all processes.
        waiting: Share of the time that it waited for pairs to be drawn.
        teacher: Likewise for the teacher's answers to them, as this process saw it: what a GPU computes of them beside
            the student is no part of it.
    """

    step: int
    steps: int
    means: Mapping[str, float]
    lr: float
    pairs_per_s: float
    waiting: float
    teacher: float = 0.0


class Observer(Protocol):
    """Takes reports of a training."""

    def __call__(self, report: Report) -> None:
        """Note one."""


@dataclass
class Sums:
    """Sums of the parts of the loss since the last report, over `count` steps."""

    parts: dict[str, Tensor] = field(default_factory=dict)
    count: int = 0

    def add(self, parts: Mapping[str, Tensor]) -> None:
        """Another step."""
        self.parts = {name: value.detach().float() + self.parts.get(name, 0.0) for name, value in parts.items()}
        self.count += 1

    def means(self) -> dict[str, float]:
        """Of each part; the sums begin anew."""
        found = {name: float(value) / self.count for name, value in self.parts.items()}
        self.parts, self.count = {}, 0
        return found


class Pace:
    """Pairs and time since the last report.

    Args:
        clock: Seconds; for tests.
    """

    def __init__(self, clock: Callable[[], float] = time.perf_counter) -> None:
        self._clock = clock
        self._begin, self._wait = clock(), 0.0
        self._waited, self._asked, self._pairs = 0.0, 0.0, 0

    @contextmanager
    def waiting(self) -> Iterator[None]:
        """Around the wait for a batch."""
        begin = self._clock()
        yield
        self._wait = self._clock() - begin

    def add(self, pairs: int, teacher_s: float = 0.0) -> None:
        """A step has seen these.

        Args:
            teacher_s: What asking the teacher about the batch took. That comes last when a batch is made, so of the
                wait for it, which may have begun later, the end is the teacher's.
        """
        asked = min(self._wait, teacher_s)
        self._asked += asked
        self._waited += self._wait - asked
        self._pairs += pairs

    def since(self) -> tuple[float, float, float]:
        """Pairs per second, and the shares of the time that pairs and the teacher were waited for; all begin anew."""
        now = self._clock()
        took = max(now - self._begin, 1e-9)
        found = self._pairs / took, min(1.0, self._waited / took), min(1.0, self._asked / took)
        self._begin, self._waited, self._asked, self._pairs = now, 0.0, 0.0, 0
        return found


def displayed(progress: Progress) -> Observer:
    """Shows reports with their pace; whoever draws the progress adds the time left."""

    def observe(report: Report) -> None:
        pace = f"{report.pairs_per_s:,.4g} pairs/s, {report.waiting:.0%} waiting for pairs"
        pace += f", {report.teacher:.0%} for the teacher" if report.teacher else ""
        progress(f"step {report.step} of {report.steps}, {pace}", report.step / report.steps, report.means)

    return observe


def curve(report: Report) -> dict[str, float]:
    """What `log.csv` holds: the loss, which is the same whenever the training is repeated."""
    return dict(report.means)


def pace(report: Report) -> dict[str, float]:
    """What `pace.csv` holds: how fast it went, which never is."""
    return {name: getattr(report, name) for name in ("lr", "pairs_per_s", "waiting", "teacher")}


class TrainingLog:
    """A CSV file with a row for each report. What was logged after the step that is continued from is left out.

    Args:
        figures: Of a report, what is logged.
    """

    def __init__(self, path: Path, figures: Callable[[Report], Mapping[str, float]] = curve) -> None:
        self._path, self._figures = path, figures

    def __call__(self, report: Report) -> None:
        """Add a row."""
        figures = self._figures(report)
        rows = [row for row in self._rows() if _is_step(row[0]) and int(row[0]) < report.step]
        # Nine digits tell any two numbers of single precision apart.
        rows = [["step", *figures], *rows, [str(report.step), *(f"{value:.9g}" for value in figures.values())]]
        with writing(self._path) as temporary, temporary.open("w", newline="", encoding="utf-8") as file:
            csv.writer(file).writerows(rows)

    def _rows(self) -> list[list[str]]:
        """Those of an earlier run; none where what lies there is no log, which is no reason to stop a training."""
        try:
            text = read_bounded(self._path, "log of a training", _MOST_LOG).decode("utf-8")
            return [row for row in csv.reader(text.splitlines()) if row]
        except (FileError, ValueError, csv.Error):
            return []


def _is_step(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) < _LONGEST_STEP


class TensorBoard:
    """Writes reports for TensorBoard; those of steps that are trained again take the place of the earlier ones.

    Raises:
        UsageError: the package `tensorboard` is not installed.
    """

    def __init__(self, folder: Path) -> None:
        try:
            from torch.utils.tensorboard import SummaryWriter
        except ImportError:
            raise UsageError(
                "--tensorboard needs the package tensorboard, which is not installed; "
                "`pip install 'tracker-compress[tensorboard]'` brings it. Without it log.csv holds the same figures."
            ) from None
        self._make, self._folder = SummaryWriter, folder
        self._writer: Any = None

    def __call__(self, report: Report) -> None:
        """Add the figures of a report."""
        if self._writer is None:
            self._writer = self._make(str(self._folder), purge_step=report.step)
        for kind, figures in (("loss", curve(report)), ("pace", pace(report))):
            for name, value in figures.items():
                self._writer.add_scalar(f"{kind}/{name}", value, report.step)
        self._writer.flush()
