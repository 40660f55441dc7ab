"""What a plan's warm start saves: searches that begin with a plan's front beside searches that begin with nothing.

    python benchmarks/warm_start.py --seeds 3 --trials 10 --steps 100 --csv results/warm-start.csv

The plan for a device that is not at hand is made without training or timing anything; the searches then train for real,
with the same target, bound, seeds and budget. Half of what the warm one trains comes from the plan; the cold one begins
with the plain answers, as every search does. Printed is the hypervolume of the front, the share of the box between
(0 ms, AO 1) and (the bound, AO 0) that it dominates, after each student that was trained, and how many students either
kind needs for shares of what both end with. A student trained in one search is not trained again in another, so seconds
are not compared.
"""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path

import numpy as np
from csv_files import write_table
from numpy.typing import NDArray

from compress import search
from compress.archive import Archive

Curve = NDArray[np.float64]


def main() -> None:
    arguments = _arguments()
    plan = arguments.out / "plan"
    about = {name: getattr(arguments, name) for name in ("teacher", "space", "target", "speedup")}
    search(out=plan, **about)
    rows: list[tuple[str, int, Curve]] = []
    for seed in range(arguments.seeds):
        for kind, start in (("cold", ""), ("warm", str(plan))):
            archive = search(
                out=arguments.out / f"{kind}-{seed}",
                plan=start,
                data="generated",
                seed=seed,
                trials=arguments.trials,
                steps=arguments.steps,
                generation=5,
                eta=2,
                members=2,
                **about,
            )
            rows.append((kind, seed, curve(archive)))
            print(kind, seed, *(f"{value:.4f}" for value in rows[-1][2]), flush=True)
            if arguments.csv:
                _write(arguments.csv, rows)
    _summary({kind: np.array([each for k, _, each in rows if k == kind]) for kind in ("cold", "warm")})


def curve(archive: Archive) -> Curve:
    """The hypervolume of the front after each student that was trained, in the order that they were asked for."""
    ends = [i + 1 for i, record in enumerate(archive.records) if record.accuracy is not None]
    return np.array([replace(archive, records=archive.records[:end]).hypervolume() for end in ends])


def _summary(curves: dict[str, Curve]) -> None:
    """Curves are (seeds, students)."""
    for kind, each in curves.items():
        print(f"{kind}: " + " ".join(f"{m:.3f}±{s:.3f}" for m, s in zip(each.mean(0), each.std(0), strict=True)))
    means = {kind: each.mean(0) for kind, each in curves.items()}
    end = min(each[-1] for each in means.values())
    for share in (0.5, 0.75, 0.9, 1.0):
        needed = (f"{kind} {np.flatnonzero(each >= share * end)[0] + 1}" for kind, each in means.items())
        print(f"students for {share:.0%} of what both end with, {end:.3f}: {', '.join(needed)}")


def _write(path: Path, rows: list[tuple[str, int, Curve]]) -> None:
    lines = ((kind, seed, i + 1, f"{v:.5f}") for kind, seed, each in rows for i, v in enumerate(each))
    write_table(path, ["start", "seed", "students", "hypervolume"], lines)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--teacher", default="ostrack-nano")
    parser.add_argument("--space", default="ostrack")
    parser.add_argument("--target", default="agx")
    parser.add_argument("--speedup", type=float, default=1.1)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--trials", type=int, default=10, help="students that each search trains")
    parser.add_argument("--steps", type=int, default=100, help="distillation steps of a student")
    parser.add_argument("--out", type=Path, default=Path("results/warm-start"), help="where the runs go")
    parser.add_argument("--csv", type=Path, help="where to write the curves")
    return parser.parse_args()


if __name__ == "__main__":
    main()
