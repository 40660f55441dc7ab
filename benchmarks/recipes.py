"""Ways of training a student against the default one, at equal teacher, pairs, steps and seed.

    python benchmarks/recipes.py
    python benchmarks/recipes.py --table

Each arm of `recipe_arms.py` differs from the default in one thing. Every training has the same number of steps in all:
those in which layers fade out, or in which an intermediate tracker is trained, are among them. Pairs of a step, their
order and the pool are the same for all arms of a seed, and everything is scored on the same generated test sequences,
which are of other seeds than those that pairs are drawn from. A row is appended after each training, and the same
command goes on from there; the seeds come one after another, each with all arms, and may be given to several processes.
`train_s` are seconds of the process on one thread, without the pool and the layers' order of removal, which are made
once for a seed.

`--table` prints differences from the default, AO by sequence and seed: their mean, its standard error over the
sequences (bootstrapped, each the mean of the seeds) and over the seeds (standard deviation over the root of their
number).
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from pathlib import Path
from time import process_time

import numpy as np
import torch
from csv_files import append_row, begin_rows, read
from numpy.typing import NDArray
from recipe_arms import ARMS, CPU, STUDENTS, Arm, Bench
from table import about

from compress.archive import bootstrap_error
from compress.core import Store
from compress.data import CachedSequence, DataSource, open_source
from compress.data.generated import generated_sequences
from compress.distill import distillation_pool
from compress.evaluate import evaluate
from compress.geometry import LoopSettings
from compress.models import NumpyNetwork, Tracker, load_tracker

COLUMNS = ("student", "arm", "seed", "steps", "batch", "spec_id", "layers", "ao", "train_s", "sequences")


def main() -> None:
    arguments = _arguments()
    if arguments.table:
        print(table(read(arguments.csv)))
        return
    torch.set_num_threads(1)
    begin_rows(arguments.csv, COLUMNS, head=about())
    done = {(row["student"], row["arm"], int(row["seed"])) for row in read(arguments.csv)}
    sequences = [CachedSequence(x) for x in generated_sequences(split="test", per_difficulty=arguments.sequences)]
    for seed in arguments.seeds:
        both = [(student, arm) for student in STUDENTS for arm in ARMS if student in arm.students]
        wanted = [(student, arm) for student, arm in both if not arguments.arms or arm.name in arguments.arms]
        missing = [(student, arm) for student, arm in wanted if (student, arm.name, seed) not in done]
        if missing:
            bench = _bench(arguments, seed)
            print("seed", seed, "layers in the order of their removal:", *bench.removal, flush=True)
        for student, arm in missing:
            begin = process_time()
            model = arm.trained(bench, student)
            seconds = process_time() - begin
            row = _row(arguments, student, arm, seed, model, seconds, scored(model, sequences))
            append_row(arguments.csv, row)
            print(*row[:-1], sep="  ", flush=True)


def scored(model: Tracker, sequences: list[CachedSequence]) -> list[float]:
    """AO of each sequence."""
    network = NumpyNetwork(model.eval(), CPU)
    found = evaluate(network, LoopSettings.of(model.spec), sequences, batch=len(sequences))
    return [each.ao for each in found.per_sequence]


def _bench(arguments: argparse.Namespace, seed: int) -> Bench:
    teacher, source = load_tracker("ostrack-nano"), _source()
    pool = distillation_pool(
        teacher, source, count=arguments.pairs, seed=seed + 1, store=Store(), device=CPU, weights_key="ostrack-nano"
    )
    return Bench(teacher, pool, source, seed, arguments.steps, arguments.batch)


def _source() -> DataSource:
    return open_source("generated", training=True)


def _row(
    arguments: argparse.Namespace,
    student: str,
    arm: Arm,
    seed: int,
    model: Tracker,
    seconds: float,
    overlaps: list[float],
) -> list[object]:
    layers = " ".join(f"{x.source}:{x.attention}:{x.mlp_hidden}:{x.attn_dims or ''}" for x in model.spec.layers)
    ao, by_sequence = f"{np.mean(overlaps):.4f}", " ".join(f"{each:.4f}" for each in overlaps)
    about_it = [student, arm.name, seed, arguments.steps, arguments.batch, model.spec.id, layers]
    return [*about_it, ao, f"{seconds:.1f}", by_sequence]


def table(rows: list[dict[str, str]]) -> str:
    """A Markdown table: for each student and arm the AO, and its difference from the default."""
    lines = ["| student | arm | AO | difference | SE, sequences | SE, seeds | seeds | CPU s |", "| --- " * 8 + "|"]
    for student in STUDENTS:
        base = _overlaps(rows, student, "default")
        for arm in ARMS:
            own = _overlaps(rows, student, arm.name)
            both = sorted(own.keys() & base.keys())
            if not both:
                continue
            seconds = [float(r["train_s"]) for r in rows if (r["student"], r["arm"]) == (student, arm.name)]
            less = np.array([own[seed] - base[seed] for seed in both])
            ao = np.mean([own[seed] for seed in both])
            figures = _figures(less) if arm.name != "default" else ["", "", ""]
            cells = [student, arm.name, f"{ao:.3f}", *figures, str(len(both)), f"{np.mean(seconds):.0f}"]
            lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def _figures(less: NDArray[np.float64]) -> list[str]:
    """Mean difference (seeds, sequences), its standard error over the sequences and over the seeds."""
    means, count = less.mean(axis=1), len(less)
    over_seeds = f"{means.std(ddof=1) / np.sqrt(count):.3f}" if count > 1 else ""
    return [f"{less.mean():+.3f}", f"{bootstrap_error(less.mean(axis=0)):.3f}", over_seeds]


def _overlaps(rows: list[dict[str, str]], student: str, arm: str) -> Mapping[int, NDArray[np.float64]]:
    return {
        int(row["seed"]): np.array(row["sequences"].split(), dtype=float)
        for row in rows
        if (row["student"], row["arm"]) == (student, arm)
    }


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--arms", nargs="+", choices=[arm.name for arm in ARMS], help="these alone")
    parser.add_argument("--steps", type=int, default=160, help="of every training, in all")
    parser.add_argument("--batch", type=int, default=16, help="pairs of a step")
    parser.add_argument("--pairs", type=int, default=2048, help="of the pool")
    parser.add_argument("--sequences", type=int, default=4, help="of each of the 14 difficulties")
    parser.add_argument("--csv", type=Path, default=Path("results/recipes-training.csv"))
    parser.add_argument("--table", action="store_true", help="print the table of what is there, and train nothing")
    return parser.parse_args()


if __name__ == "__main__":
    main()
