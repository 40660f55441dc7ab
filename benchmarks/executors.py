"""How much faster several workers score students than one process: the first rung of the default job.

    python benchmarks/executors.py --csv results/executors.csv

Every student of a block is scored by each executor, with nothing kept of what the others found, and the executors take
turns, so that what else the machine does meets all of them alike. What all students start from is made before. The
first block, in which workers start and load teacher and sequences, is a warm-up; of the others the ratio to `inline` is
printed with its spread.
"""

from __future__ import annotations

import argparse
import os
import random
import shutil
import statistics
import tempfile
from collections.abc import Iterable
from pathlib import Path
from time import perf_counter
from typing import NamedTuple

from csv_files import write_table

from compress.core import TrackerSpec
from compress.core.progress import no_progress
from compress.driver import SearchSettings
from compress.driver.executors import EXECUTORS, Executor
from compress.driver.jobs import TrainingSetup, TrialJob
from compress.driver.preparation import checked_target, look_up, training_setup
from compress.driver.worker import prepare

EXECUTOR_NAMES = ("inline", "local")
PAIRS = 256
"""Of the pool; what nothing is trained on needs no more."""


class Row(NamedTuple):
    """One block on one executor.

    Attributes:
        load: Processes that wanted a core in the minute before, this benchmark's included.
    """

    block: int
    executor: str
    students: int
    seconds: float
    load: float


def main() -> None:
    arguments = _arguments()
    with tempfile.TemporaryDirectory() as home:
        os.environ["COMPRESS_HOME"] = home
        _summary(_rows(arguments, Path(home)))


def _rows(arguments: argparse.Namespace, home: Path) -> list[Row]:
    settings = SearchSettings(device="cpu", workers=arguments.workers, pool=PAIRS)
    inputs = look_up(settings, checked_target(settings))
    setup = training_setup(settings, inputs)
    prepare(setup)
    rng, rows = random.Random(0), list[Row]()
    executors = {name: EXECUTORS[name](settings, lambda job: no_progress) for name in EXECUTOR_NAMES}
    for block in range(arguments.blocks + 1):
        specs = [inputs.space.sample(inputs.teacher.spec, rng) for _ in range(arguments.students)]
        for name in EXECUTOR_NAMES if block % 2 else reversed(EXECUTOR_NAMES):
            for kind in ("scores", "students"):
                shutil.rmtree(home / kind, ignore_errors=True)
            seconds = _timed(executors[name], setup, specs)
            rows.append(Row(block, name, len(specs), round(seconds, 2), round(os.getloadavg()[0], 1)))
            print(*rows[-1], flush=True)
            if arguments.csv:
                write_table(arguments.csv, Row._fields, rows)
    for executor in executors.values():
        executor.shutdown()
    return rows


def _timed(executor: Executor, setup: TrainingSetup, specs: Iterable[TrackerSpec]) -> float:
    """Seconds in which all are scored at the first rung, as the search hands them over."""
    waiting = [TrialJob(i, spec, 0, setup) for i, spec in enumerate(specs)]
    begin = perf_counter()

    def submit() -> None:
        for job in waiting[: executor.free]:
            executor.submit(job)
            waiting.remove(job)

    submit()
    for result in executor.as_completed():
        assert not result.error, result.error
        submit()
    return perf_counter() - begin


def _summary(rows: list[Row]) -> None:
    taken = {(row.block, row.executor): row.seconds for row in rows if row.block}
    blocks = sorted({block for block, _ in taken})
    ratios = [taken[block, "inline"] / taken[block, "local"] for block in blocks]
    low, high = min(ratios), max(ratios)
    print(f"inline / local: median {statistics.median(ratios):.2f}, from {low:.2f} to {high:.2f}, {len(ratios)} blocks")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--students", type=int, default=64, help="of each block")
    parser.add_argument("--blocks", type=int, default=3, help="beside the warm-up")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--csv", type=Path)
    return parser.parse_args()


if __name__ == "__main__":
    main()
