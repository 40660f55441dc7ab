"""Whether slices of shared weights rank students as training each by itself does: against the table of `table.py`.

    python benchmarks/correlation.py --steps 256 --threads 1

One network is distilled in which every student of the table's space is a slice, as the elastic strategy does, and each
student within the bound is scored as a slice on the short sequences. The scores are written once; the correlations with
the table, Spearman's and Kendall's with 95% intervals by bootstrap over the students, are printed for as much of the
table as there is, and beside them those of the other cheap scores: the inherited student, a quarter of the steps, the
share of accuracy that published ablations promise, and one seed against the other, which is the most that any score
can reach.
"""

from __future__ import annotations

import argparse
import csv
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.stats import kendalltau, spearmanr
from table import about, read, setup_of, within
from tabulated import Table, load_table, table_arguments

from compress.core.writing import writing
from compress.driver.jobs import ElasticSetup, Rung
from compress.driver.worker import loaded
from compress.models import load_tracker
from compress.prior import retention

_RESAMPLES = 2000


def main() -> None:
    arguments = _arguments()
    torch.set_num_threads(arguments.threads)
    table = load_table(arguments.table, arguments.specs)
    if not arguments.out.exists():
        _write(arguments.out, arguments.steps, scores(table, arguments))
    slices = {row["spec"]: float(row["ao_short"]) for row in read(arguments.out)}
    print(table.state)
    for line in report(table, slices):
        print(line)


def scores(table: Table, arguments: argparse.Namespace) -> dict[str, float]:
    """AO on the short sequences by spec id, of every student within the bound as a slice of one network."""
    setup = setup_of(arguments, load_tracker(arguments.teacher), 0)
    knobs = json.dumps({name: list(choices) for name, choices in table.space.knobs.items()}, sort_keys=True)
    setup = replace(setup, elastic=ElasticSetup(knobs, arguments.steps), rungs=(Rung("elastic", 0),))
    members = within(table.space, table.teacher, dict(table.ms), table.ms[table.teacher.id] / table.bound_ms)
    with loaded(setup) as students:
        return {spec.id: students.score(spec, 0).accuracy.ao for spec in members}


def report(table: Table, slices: dict[str, float]) -> list[str]:
    """A line for each score that costs less than training."""
    specs = {spec.id: spec for spec in table.space.enumerate(table.teacher)}
    lines = []
    cheap: dict[str, Callable[[str], float]] = {
        "elastic slices": lambda name: slices[name],
        "inherited": lambda name: table.ao(name, "rung-0"),
        "a quarter of the steps": lambda name: table.ao(name, "rung-1"),
        "published ablations": lambda name: retention(table.teacher, specs[name]).mean,
    }
    for label, score in cheap.items():
        known = [name for name in table.members if label != "elastic slices" or name in slices]
        points = np.array([(score(name), table.ao(name)) for name in known])
        lines.append(f"{label:24} {_correlations(points)}")
    both = [name for name in table.members if len(table.rows[name]) > 1]
    if len(both) > 2:
        lines.append(
            f"{'the other seed':24} {_correlations(np.array([[table.ao(n, seed=s) for s in (0, 1)] for n in both]))}"
        )
    return lines


def _correlations(points: NDArray[np.float64]) -> str:
    """Spearman and Kendall of (n, 2), each with its interval."""
    texts = []
    for label, measure in (("Spearman", spearmanr), ("Kendall", kendalltau)):
        found = float(measure(*points.T).statistic)
        draws = np.random.default_rng(0).integers(len(points), size=(_RESAMPLES, len(points)))
        spread = [float(measure(*points[rows].T).statistic) for rows in draws if len(set(rows)) > 2]
        low, high = np.nanquantile(spread, (0.025, 0.975))
        texts.append(f"{label} {found:.3f} [{low:.3f}, {high:.3f}]")
    return f"{', '.join(texts)} over {len(points)} students"


def _write(path: Path, steps: int, found: dict[str, float]) -> None:
    with writing(path) as temporary, temporary.open("w", newline="", encoding="utf-8") as file:
        file.write(about())
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["spec", "steps", "ao_short"])
        writer.writerows((name, steps, f"{ao:.5f}") for name, ao in found.items())


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    table_arguments(parser)
    parser.add_argument("--teacher", default="ostrack-nano")
    parser.add_argument("--steps", type=int, default=256, help="steps of the network; each trains four students")
    parser.add_argument("--partial", type=float, default=0.25)
    parser.add_argument("--pairs", type=int, default=2048)
    parser.add_argument("--threads", type=int, default=1, help="threads of the training")
    parser.add_argument(
        "--out", type=Path, default=Path("results/correlation-elastic.csv"), help="scores of the slices"
    )
    return parser.parse_args()


if __name__ == "__main__":
    main()
