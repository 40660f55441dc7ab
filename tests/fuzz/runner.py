"""Runs mutants on worker processes; `python -m tests.fuzz.runner` runs the whole tier and prints its figures.

`COMPRESS_FUZZ_SEED` moves all seeds, `COMPRESS_FUZZ_SHARE` runs that share of the mutants only.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple

from tests.fuzz.kinds import KINDS

ROOT = Path(__file__).resolve().parents[2]


class Result(NamedTuple):
    """What became of a mutant: its answer as a dictionary, and what is wrong with that."""

    kind: str
    seed: int
    answer: dict[str, Any]
    faults: list[str]
    words: list[str]

    def __str__(self) -> str:
        about = f"{self.answer['changed']}; compress {' '.join(self.words)}"
        replay = f'python -m tests.fuzz.replay "{self.kind}" {self.seed}'
        return "\n  ".join([f"{self.kind} {self.seed}: {about}", *self.faults, replay])


class Workers:
    """Worker processes that share valid files under one folder; a context manager.

    Args:
        root: Where mutants and the valid files lie.
    """

    def __init__(self, root: Path, count: int = 2) -> None:
        self.root, self._count = root, count
        self._processes: list[subprocess.Popen[str]] = []

    def __enter__(self) -> Workers:
        self.root.mkdir(parents=True, exist_ok=True)
        environment = os.environ | {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1", "PYTHONDONTWRITEBYTECODE": "1"}
        environment.pop("COMPRESS_DEBUG", None)
        words = [sys.executable, "-m", "tests.fuzz.worker", str(self.root)]
        for _ in range(self._count):
            self._processes.append(
                subprocess.Popen(
                    words, cwd=ROOT, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
                )
            )
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        for process in self._processes:
            process.stdin.close()
            process.kill() if error else process.wait()
            process.stdout.close()
            process.wait()

    def run(self, jobs: Sequence[tuple[str, int]]) -> list[Result]:
        """Every job, a kind and a seed, on whichever worker is free."""
        waiting = iter(jobs)

        def serve(process: subprocess.Popen[str]) -> list[Result]:
            found = []
            while (job := next(waiting, None)) is not None:
                print(json.dumps(job), file=process.stdin, flush=True)
                line = process.stdout.readline()
                if not line:
                    raise RuntimeError(f"the worker of {job} ended")
                found.append(Result(*json.loads(line)))
            return found

        with ThreadPoolExecutor(self._count) as pool:
            return [result for each in pool.map(serve, self._processes) for result in each]


def jobs_of(kind: str) -> list[tuple[str, int]]:
    """The mutants of a kind in this run."""
    first = int(os.environ.get("COMPRESS_FUZZ_SEED", "0")) * 100_000
    share = float(os.environ.get("COMPRESS_FUZZ_SHARE", "1"))
    return [(kind, first + i) for i in range(max(1, round(KINDS[kind].count * share)))]


def figures(results: Sequence[Result]) -> dict[str, float]:
    """Mutants, those that were accepted, the slowest in s and the largest in MB."""
    answers = [result.answer for result in results]
    return {
        "mutants": len(answers),
        "accepted": sum(each["code"] == 0 for each in answers),
        "slowest_s": max(each["seconds"] for each in answers),
        "largest_mb": max(each["megabytes"] for each in answers),
        "faults": sum(bool(result.faults) for result in results),
    }


def _table(rows: dict[str, dict[str, float]]) -> Iterator[str]:
    yield "| kind | mutants | accepted | slowest (s) | largest (MB) |"
    yield "| --- | --- | --- | --- | --- |"
    for kind, row in rows.items():
        words = f"{row['mutants']} | {row['accepted']} | {row['slowest_s']:.1f} | {row['largest_mb']:.0f}"
        yield f"| {kind} | {words} |"


def main() -> int:
    """0 where no mutant shows a fault, else 1."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("kinds", nargs="*", metavar="KIND", help="all by default")
    parser.add_argument("--files", type=Path, help="folder for the valid files, used again where it is there")
    parser.add_argument("--log", type=Path, help="write all results here, one JSON list a line")
    given = parser.parse_args()
    start, rows, wrong = time.monotonic(), {}, 0
    with tempfile.TemporaryDirectory(prefix="compress-fuzz-") as place, Workers(given.files or Path(place)) as workers:
        for kind in given.kinds or KINDS:
            began = time.monotonic()
            results = workers.run(jobs_of(kind))
            rows[kind] = figures(results)
            print(f"{kind}: {rows[kind]} in {time.monotonic() - began:.0f} s", flush=True)
            for result in results:
                if result.faults:
                    print(result, flush=True)
                if given.log:
                    with given.log.open("a") as file:
                        print(json.dumps(result), file=file)
            wrong += int(rows[kind]["faults"])
    print("\n".join(_table(rows)))
    print(f"{sum(row['mutants'] for row in rows.values()):.0f} mutants in {time.monotonic() - start:.0f} s")
    return int(wrong > 0)


if __name__ == "__main__":
    raise SystemExit(main())
