"""What dropped tokens cost ostrack-nano: AO by share, places and ranking, as inherited and once distilled.

    python benchmarks/token_retention.py --sequences 2 --templates 0.5 0.25 --shares
    python benchmarks/token_retention.py --sequences 4 --csv results/token-retention.csv
    python benchmarks/token_retention.py --steps 120 --sequences 4

Without steps the students have the teacher's weights. With steps each set of weights is distilled once, as a search
would, and scored at every share. Multiply-accumulates are per frame. Standard errors are bootstrapped over the
sequences; differences are from the teacher, or from the student that keeps all tokens, sequence by sequence.
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
from compress.models.vit import elimination
from compress.spaces import Scalar, Space
from compress.surgery import inherit

_COLUMNS = (
    "steps",
    "keep_by",
    "keep_after",
    "keep_ratio",
    "keep_template",
    "tokens_left",
    "mmacs_per_frame",
    "ao",
    "se",
    "less",
    "less_se",
)


def main() -> None:
    arguments = _arguments()
    elimination.MOTION_SIGMA = arguments.sigma
    students, sequences = nano_students(arguments.steps, arguments.pool), held_out_sequences(arguments.sequences)
    teacher = students.teacher
    rows, whole = [], None
    for *choices, spec in _specs(teacher.spec, arguments):
        model = students.model(spec, 0) if arguments.steps else inherit(teacher, spec)
        by_sequence = overlaps(model, sequences)
        whole = by_sequence if whole is None else whole
        less = paired_difference(by_sequence, whole)
        figures = (fmean(by_sequence), bootstrap_error(by_sequence), less.mean, less.se)
        cost = macs(spec).per_frame / 1e6
        row = [arguments.steps, *choices, spec.search_tokens_after[-1], f"{cost:.1f}"]
        rows.append([*row, *(f"{figure:.4f}" for figure in figures)])
        print(*rows[-1], sep="  ", flush=True)
    if arguments.csv:
        write_table(arguments.csv, _COLUMNS, rows, head=about())


def _specs(teacher: TrackerSpec, arguments: argparse.Namespace) -> Iterator[tuple[str, str, str, str, TrackerSpec]]:
    """How search tokens are ranked, where, the share passed on, and the template's; first the one that keeps all."""
    yield "", "", "1", "1", teacher
    for template in arguments.templates:
        if template < 1:
            yield "", "", "1", f"{template:g}", _student(teacher, keep_template=template)
        for keep_by, places, share in product(arguments.by, arguments.places, arguments.shares):
            knobs = {"keep_ratio": share, "keep_after": places, "keep_by": keep_by, "keep_template": template}
            yield keep_by, places, f"{share:g}", f"{template:g}", _student(teacher, **knobs)


def _student(teacher: TrackerSpec, **knobs: Scalar) -> TrackerSpec:
    space = Space("one", {name: (value,) for name, value in knobs.items()})
    return space.spec(teacher, lambda _, choices: choices[0])


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=0)
    parser.add_argument("--pool", type=int, default=2048)
    parser.add_argument("--sequences", type=int, default=4, help="of each of the 14 difficulties")
    parser.add_argument("--shares", type=float, nargs="*", default=[0.7, 0.5, 0.35])
    parser.add_argument("--templates", type=float, nargs="+", default=[1.0], help="shares of the template that go on")
    parser.add_argument("--places", nargs="+", default=["first", "1/4 1/2 3/4"])
    parser.add_argument("--by", nargs="+", default=["attention", "motion"])
    parser.add_argument("--sigma", type=float, default=elimination.MOTION_SIGMA, help="of the motion prior")
    parser.add_argument("--csv", type=Path)
    return parser.parse_args()


if __name__ == "__main__":
    main()
