"""How much faster a small student of a ViT-B trains on kept answers than on a stream with the teacher in the loop.

    python benchmarks/stream.py --csv results/stream.csv

The teacher is OSTrack's ViT-B at 256 pixels with random weights, the student has four of its twelve layers. In each
block both are trained for a few steps, in turns; the first step of each is not counted. Seconds are those of the
process, so that other work on the machine counts less, and drawing, which is done by processes beside it, does not
count. A ratio is of one block.
"""

from __future__ import annotations

import argparse
import copy
import os
import statistics
import tempfile
from dataclasses import replace
from pathlib import Path
from time import process_time
from typing import Any, NamedTuple

import torch
from csv_files import write_table

from compress.core import Store, describe
from compress.data import open_source
from compress.distill import Batches, PairStream, StudentRecipe, distill, distillation_pool
from compress.models import Tracker, build
from compress.surgery import inherit

LAYERS = (0, 3, 7, 11)
"""Of the teacher, that the student has."""

KINDS = ("streamed", "cached")
CPU = torch.device("cpu")


class Row(NamedTuple):
    """One block of one kind.

    Attributes:
        step_s: Mean over the steps of a block.
        load: Processes that wanted a core in the minute before, this benchmark's included.
    """

    block: int
    kind: str
    batch: int
    threads: int
    step_s: float
    pairs_per_s: float
    load: float


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--blocks", type=int, default=5)
    parser.add_argument("--steps", type=int, default=3, help="counted ones of each block")
    parser.add_argument("--batch", type=int, default=4)
    parser.add_argument("--csv", type=Path)
    options = parser.parse_args()
    torch.manual_seed(0)
    teacher = build(describe("ostrack256")).eval()
    student = inherit(teacher, replace(teacher.spec, layers=tuple(teacher.spec.layers[i] for i in LAYERS)))
    rows: list[Row] = []
    with tempfile.TemporaryDirectory() as folder:
        both = _both(teacher, options.batch, Store(Path(folder)))
        for block in range(options.blocks):
            for kind in KINDS if block % 2 else reversed(KINDS):
                rows.append(_timed(block, kind, copy.deepcopy(student), both[kind], options))
                print(*rows[-1], flush=True)
    _summary(rows)
    if options.csv:
        write_table(options.csv, Row._fields, rows)


def _both(teacher: Tracker, batch: int, store: Store) -> dict[str, Batches]:
    source = open_source("generated")
    pool = distillation_pool(teacher, source, count=2 * batch, seed=1, store=store, device=CPU)
    return {"cached": pool, "streamed": PairStream(teacher, source, lambda: pool, workers=1)}


def _timed(block: int, kind: str, student: Tracker, pairs: Batches, options: Any) -> Row:
    times: list[float] = []
    run = {"steps": options.steps + 1, "seed": block, "device": CPU}
    distill(student, pairs, StudentRecipe(batch=options.batch), progress=lambda *_: times.append(process_time()), **run)
    step_s = (times[-1] - times[0]) / options.steps
    load = round(os.getloadavg()[0], 1)
    rate = options.batch / step_s
    return Row(block, kind, options.batch, torch.get_num_threads(), round(step_s, 3), round(rate, 2), load)


def _summary(rows: list[Row]) -> None:
    ratios = []
    for block in sorted({row.block for row in rows}):
        found = {row.kind: row.step_s for row in rows if row.block == block}
        ratios.append(found["streamed"] / found["cached"])
    low, high = min(ratios), max(ratios)
    print(f"cached {statistics.median(ratios):.2f} times as fast ({low:.2f} to {high:.2f} over {len(ratios)} blocks)")


if __name__ == "__main__":
    main()
