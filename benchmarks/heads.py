"""What half of its heads cost ostrack-nano, the important ones kept or the first, before and after a training.

    python benchmarks/heads.py --steps 0 60 --sequences 2 --csv results/heads.csv

Every layer keeps two of four heads; both kinds of students start from the same teacher, are distilled on the same pairs
with the same seed, and are scored on the same generated sequences. Standard errors are bootstrapped over the sequences;
differences are from the teacher, and of the important heads from the first ones, sequence by sequence.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import torch
from csv_files import write_table
from nano_students import held_out_sequences, nano_students, overlaps
from table import about

from compress.archive import bootstrap_error, paired_difference
from compress.core import TrackerSpec
from compress.core.progress import no_progress
from compress.distill import distill
from compress.driver.shared_weights import calibration_crops
from compress.surgery import InputStatistics, inherit, observe

_COLUMNS = ("heads", "steps", "ao", "se", "less", "less_se", "over_first", "over_first_se", "sequences")


def main() -> None:
    arguments = _arguments()
    students, sequences = nano_students(max(arguments.steps), arguments.pool), held_out_sequences(arguments.sequences)
    teacher, setup = students.teacher, students.setup
    device, pairs = torch.device("cpu"), students.pool(no_progress)
    important = observe(teacher, *calibration_crops(pairs.fixed, device))
    half = _half(teacher.spec)

    whole = overlaps(teacher, sequences)
    rows = [["all", 0, f"{sum(whole) / len(whole):.4f}", f"{bootstrap_error(whole):.4f}", "", "", "", "", len(whole)]]
    for steps in arguments.steps:
        found: dict[str, list[float]] = {}
        for name, ranking in (("first", _first(important)), ("important", important)):
            student = inherit(teacher, half, calibration=ranking)
            if steps:
                student = distill(student, pairs, setup.recipe, steps=steps, seed=setup.seed, device=device)
            found[name] = overlaps(student, sequences)
            own = [sum(found[name]) / len(whole), bootstrap_error(found[name])]
            figures = [*own, *paired_difference(found[name], whole)[:2]]
            figures += paired_difference(found[name], found["first"])[:2] if name == "important" else []
            cells = [f"{figure:.4f}" for figure in figures]
            rows.append([name, steps, *cells, *[""] * (6 - len(cells)), len(whole)])
            print(*rows[-1], sep="  ", flush=True)
    if arguments.csv:
        write_table(arguments.csv, _COLUMNS, rows, head=about())


def _half(teacher: TrackerSpec) -> TrackerSpec:
    return replace(teacher, layers=tuple(replace(each, heads=teacher.heads // 2) for each in teacher.layers))


def _first(observed: Mapping[str, InputStatistics]) -> dict[str, InputStatistics]:
    """What was observed, with a ranking of the projections' inputs by their place alone."""

    def ranked(name: str, each: InputStatistics) -> InputStatistics:
        places = torch.arange(len(each.mean), 0, -1.0)
        return replace(each, importance=places) if name.endswith("attn.proj") else each

    return {name: ranked(name, each) for name, each in observed.items()}


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, nargs="+", default=[0, 60])
    parser.add_argument("--pool", type=int, default=512)
    parser.add_argument("--sequences", type=int, default=2, help="of each of the 14 difficulties")
    parser.add_argument("--csv", type=Path)
    return parser.parse_args()


if __name__ == "__main__":
    main()
