"""Whether weights that students share rank them as training each by itself does: against the table of `table.py`.

    python benchmarks/correlation.py --steps 256 --threads 1

One network is distilled in which every student of the table's space is a slice, as the elastic strategy does, and a
library of layer variants is distilled, as the blockwise strategy does. Each student within the bound is scored as a
slice, and as it is put together, on the short sequences. The scores are written once; the correlations with
the table, Spearman's and Kendall's with 95% intervals by bootstrap over the students, are printed for as much of the
table as there is, and beside them those of the other cheap scores: the inherited student, a quarter of the steps, the
share of accuracy that published ablations promise, and one seed against the other, which is the most that any score
can reach.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from csv_files import read, write_table
from numpy.typing import NDArray
from scipy.stats import kendalltau, spearmanr
from table import about, setup_of, within
from tabulated import Table, load_table, table_arguments

from compress.core import TrackerSpec
from compress.distill.blockwise import VariantScore
from compress.driver.jobs import BlockwiseSetup, ElasticSetup, Rung, TrainingSetup
from compress.driver.worker import loaded
from compress.models import load_tracker
from compress.prior import retention
from compress.surgery import Skip, Variant, variants_of

KINDS = ("elastic", "blockwise")
STUDENTS_OF_A_STEP = 4
_RESAMPLES = 2000


class Scored(NamedTuple):
    """A student's spec id, its AO on the short sequences, and the sum of its variants' losses where it has some."""

    spec: str
    ao: float
    loss: float = float("nan")


def main() -> None:
    arguments = _arguments()
    torch.set_num_threads(arguments.threads)
    table = load_table(arguments.table, arguments.specs)
    print(table.state)
    for kind in arguments.kinds:
        path = arguments.out / f"correlation-{kind}.csv"
        if not path.exists():
            _write(path, *(elastic_scores if kind == "elastic" else blockwise_scores)(table, arguments))
    found = {kind: read(arguments.out / f"correlation-{kind}.csv") for kind in KINDS}
    for line in report(table, found):
        print(line)


def elastic_scores(table: Table, arguments: argparse.Namespace) -> tuple[int, list[Scored]]:
    """Of every student within the bound as a slice of one network; and what the network cost, in students' steps."""
    setup = _setup(table, arguments, "elastic")
    setup = replace(setup, elastic=ElasticSetup(_knobs(table), arguments.steps))
    with loaded(setup) as students:
        found = [Scored(spec.id, students.score(spec, 0).accuracy.ao) for spec in _members(table)]
    return arguments.steps * STUDENTS_OF_A_STEP, found


def blockwise_scores(table: Table, arguments: argparse.Namespace) -> tuple[int, list[Scored]]:
    """Of every student as it is put together of variants that were made by themselves, and the sum of their losses.

    A step of a variant counts as one of as many as the teacher has layers; by default variants are refitted in closed
    form, and take none.
    """
    setup = replace(_setup(table, arguments, "blockwise"), blockwise=BlockwiseSetup(_knobs(table)))
    with loaded(setup) as students:
        assert students.library is not None
        losses = students.library.scores()
        found = [
            Scored(spec.id, students.score(spec, 0).accuracy.ao, _loss(table, spec, losses)) for spec in _members(table)
        ]
        made = sum(not isinstance(each, Skip) for each in losses)
        assert setup.blockwise is not None
        cost = made * setup.blockwise.recipe.steps / len(table.teacher.layers)
    return round(cost), found


def _loss(table: Table, spec: TrackerSpec, losses: Mapping[Variant, VariantScore]) -> float:
    """The sum over the teacher's layers: of what is skipped, and of what stands in its place."""
    kept = {layer.source for layer in spec.layers}
    variants = [Skip(i) for i in range(len(table.teacher.layers)) if i not in kept]
    variants += [each for layer in spec.layers for each in variants_of(layer)]
    return sum(losses[each].distillation for each in variants if each in losses)


def _setup(table: Table, arguments: argparse.Namespace, fidelity: str) -> TrainingSetup:
    return replace(setup_of(arguments, load_tracker(arguments.teacher), 0), rungs=(Rung(fidelity, 0),))


def _knobs(table: Table) -> str:
    return json.dumps({name: list(choices) for name, choices in table.space.knobs.items()}, sort_keys=True)


def _members(table: Table) -> list[TrackerSpec]:
    return within(table.space, table.teacher, dict(table.ms), table.ms[table.teacher.id] / table.bound_ms)


def report(table: Table, found: Mapping[str, list[dict[str, str]]]) -> list[str]:
    """A line for each score that costs less than training, as far as there are students that have it."""
    specs = {spec.id: spec for spec in table.space.enumerate(table.teacher)}
    slices, assembled = ({row["spec"]: row for row in found[kind]} for kind in KINDS)
    cheap: dict[str, tuple[Mapping[str, object], Callable[[str], float]]] = {
        "elastic slices": (slices, lambda name: float(slices[name]["ao_short"])),
        "assembled of variants": (assembled, lambda name: float(assembled[name]["ao_short"])),
        "sum of variants' losses": (assembled, lambda name: -float(assembled[name]["loss"])),
        "inherited": (table.rows, lambda name: table.ao(name, "rung-0")),
        "a quarter of the steps": (table.rows, lambda name: table.ao(name, "rung-1")),
        "published ablations": (table.rows, lambda name: retention(table.teacher, specs[name]).mean),
    }
    lines = []
    for label, (known, score) in cheap.items():
        points = np.array([(score(name), table.ao(name)) for name in table.members if name in known])
        if len(points) > 2:
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


def _write(path: Path, cost: int, found: list[Scored]) -> None:
    rows = ((each.spec, cost, f"{each.ao:.5f}", f"{each.loss:.6g}") for each in found)
    write_table(path, ["spec", "cost", "ao_short", "loss"], rows, head=about())


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    table_arguments(parser)
    parser.add_argument("--teacher", default="ostrack-nano")
    parser.add_argument("--steps", type=int, default=256, help="steps of the network; each trains four students")
    parser.add_argument("--partial", type=float, default=0.25)
    parser.add_argument("--pairs", type=int, default=2048)
    parser.add_argument("--threads", type=int, default=1, help="threads of the training")
    parser.add_argument("--kinds", nargs="*", choices=KINDS, default=list(KINDS), help="what is made, where it is not")
    parser.add_argument("--out", type=Path, default=Path("results"), help="folder of the CSV files")
    return parser.parse_args()


if __name__ == "__main__":
    main()
