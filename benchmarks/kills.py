"""A small search killed at random moments and continued each time, beside the same search left to itself.

    python benchmarks/kills.py --kills 30 --out results/kills.csv

Searches for real on this processor (some minutes), in a home of its own. A run that ends before all kills are spent is
compared, and another one is begun. Ends with 1 where a trial was lost or repeated, or a front differs.
"""

from __future__ import annotations

import argparse
import dataclasses
import multiprocessing
import os
import sys
import tempfile
from pathlib import Path
from typing import Any

from csv_files import write_rows

import compress.driver.search  # noqa: F401 - what forked processes need is loaded once
from compress.core import describe
from compress.testing.killed_search import SMALL, Kill, front_of, killed, repeated_jobs, trials_of, undisturbed


def _inputs(folder: Path) -> None:
    from compress.testing.search_inputs import random_weights, short_sequences

    (folder / "data").mkdir()
    random_weights(folder / "teacher.safetensors", describe("ostrack-nano"))
    short_sequences(folder / "data")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=30)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, default=Path("results/kills.csv"))
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        process = multiprocessing.get_context("fork").Process(target=_inputs, args=(folder,))
        process.start()
        process.join()
        settings = SMALL | {"weights": str(folder / "teacher.safetensors"), "data": f"folder:{folder / 'data'}"}
        rows, differing = _rows(folder, settings, options.kills, options.seed)
    write_rows(options.out, rows)
    lost, repeated = (sum(int(row[name]) for row in rows) for name in ("lost", "repeated"))
    print(f"{len(rows)} kills: {lost} ended trials lost, {repeated} jobs repeated, {differing} runs with other trials")
    return int(bool(lost or repeated or differing))


def _rows(folder: Path, settings: dict[str, Any], kills: int, seed: int) -> tuple[list[dict[str, Any]], int]:
    os.environ["COMPRESS_HOME"] = str(folder / "home-0")
    seconds = undisturbed(folder / "whole", settings)
    print(f"undisturbed: {seconds:.1f} s, front {[row[0] for row in front_of(folder / 'whole')]}", file=sys.stderr)
    rows: list[dict[str, Any]] = []
    differing = run = 0
    while len(rows) < kills:
        run += 1
        os.environ["COMPRESS_HOME"] = str(folder / f"home-{run}")  # nothing is taken from the other search
        out, found = folder / f"killed-{run}", list[Kill]()
        left = kills - len(rows)
        for kill in killed(out, settings, within=(0.2, 0.5 * seconds), most=left, run=run, seed=seed + run):
            print(kill, file=sys.stderr)
            found.append(kill)
        same_front = front_of(out) == front_of(folder / "whole")
        same = same_front and trials_of(out) == trials_of(folder / "whole") and not repeated_jobs(out)
        differing += not same
        rows += [dataclasses.asdict(kill) | {"same_front": same_front, "same_trials": same} for kill in found]
    return rows, differing


if __name__ == "__main__":
    raise SystemExit(main())
