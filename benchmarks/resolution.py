"""What smaller crops cost ostrack-nano: AO as inherited and once distilled, by the sizes of search and template.

    python benchmarks/resolution.py --sequences 2 --template 1 1/2 --csv results/resolution.csv
    python benchmarks/resolution.py --sequences 2 --steps 60 --pool 512 --search 1 3/4 --template 1

Without steps the students have the teacher's weights, positions interpolated. With steps each is distilled once, as a
search would. Multiply-accumulates are per frame. Standard errors are bootstrapped over the sequences; differences are
from the first row, sequence by sequence.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from itertools import product
from pathlib import Path
from statistics import fmean

from csv_files import write_table
from nano_students import held_out_sequences, nano_students, overlaps
from table import about

from compress.archive import bootstrap_error, paired_difference
from compress.core import TrackerSpec
from compress.core.cost import macs
from compress.spaces import Space
from compress.surgery import inherit

_COLUMNS = ("steps", "search_size", "template_size", "mmacs_per_frame", "ao", "se", "less", "less_se")


def main() -> None:
    arguments = _arguments()
    students, sequences = nano_students(arguments.steps, arguments.pool), held_out_sequences(arguments.sequences)
    teacher = students.teacher
    rows, first = [], None
    for spec in _specs(teacher.spec, arguments):
        model = students.model(spec, 0) if arguments.steps else inherit(teacher, spec)
        by_sequence = overlaps(model, sequences)
        first = by_sequence if first is None else first
        less = paired_difference(by_sequence, first)
        figures = (fmean(by_sequence), bootstrap_error(by_sequence), less.mean, less.se)
        row = [arguments.steps, spec.search_size, spec.template_size, f"{macs(spec).per_frame / 1e6:.1f}"]
        rows.append([*row, *(f"{figure:.4f}" for figure in figures)])
        print(*rows[-1], sep="  ", flush=True)
    if arguments.csv:
        write_table(arguments.csv, _COLUMNS, rows, head=about())


def _specs(teacher: TrackerSpec, arguments: argparse.Namespace) -> Iterator[TrackerSpec]:
    for search, template in product(arguments.search, arguments.template):
        knobs = {"search_size": (_value(search),), "template_size": (_value(template),)}
        yield Space("one", knobs).spec(teacher, lambda _, choices: choices[0])


def _value(text: str) -> str | int:
    return int(text) if text.isdigit() else text


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=0)
    parser.add_argument("--pool", type=int, default=2048)
    parser.add_argument("--sequences", type=int, default=4, help="of each of the 14 difficulties")
    parser.add_argument("--search", nargs="+", default=["1", "3/4", "1/2"])
    parser.add_argument("--template", nargs="+", default=["1", "3/4", "1/2"])
    parser.add_argument("--csv", type=Path)
    return parser.parse_args()


if __name__ == "__main__":
    main()
