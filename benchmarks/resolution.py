"""What smaller crops cost ostrack-nano: AO as inherited and once distilled, by the sizes of search and template.

    python benchmarks/resolution.py --sequences 2 --csv results/resolution.csv
    python benchmarks/resolution.py --sequences 2 --steps 60 --pool 1024 --search 1 3/4 --template 1

Without steps the students have the teacher's weights, positions interpolated. With steps each is distilled once, as a
search would. Multiply-accumulates are per frame. Standard errors are bootstrapped over the sequences; differences are
from the first row, sequence by sequence.
"""

from __future__ import annotations

import argparse
import csv
from collections.abc import Iterator
from itertools import product
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from compress.archive import bootstrap_error
from compress.core import TrackerSpec
from compress.core.cost import macs
from compress.core.writing import writing
from compress.data import CachedSequence, DataReference, open_source
from compress.data.generated import generated_sequences
from compress.driver.jobs import Rung, TrainingSetup
from compress.driver.teacher import keep_teacher
from compress.driver.worker import students_of
from compress.evaluate import evaluate
from compress.geometry import LoopSettings
from compress.models import NumpyNetwork, load_tracker
from compress.spaces import Space
from compress.surgery import inherit

_COLUMNS = ("steps", "search_size", "template_size", "mmacs_per_frame", "ao", "se", "less", "less_se")


def main() -> None:
    arguments = _arguments()
    torch.set_num_threads(1)
    teacher, generated = load_tracker("ostrack-nano"), DataReference.of(open_source("generated"))
    setup = TrainingSetup(
        teacher=keep_teacher(teacher),
        evaluation=generated,
        training=generated,
        pairs=arguments.pool,
        rungs=(Rung("full", arguments.steps),),
        seed=0,
        device="cpu",
    )
    students = students_of(setup)  # trains when it is first asked
    sequences = [CachedSequence(each) for each in generated_sequences(split="test", per_difficulty=arguments.sequences)]
    rows, first = [], None
    for spec in _specs(teacher.spec, arguments):
        model = students.model(spec, 0) if arguments.steps else inherit(teacher, spec)
        found = evaluate(NumpyNetwork(model), LoopSettings.of(spec), sequences, batch=16)
        by_sequence: NDArray[np.float64] = np.array([each.ao for each in found.per_sequence])
        first = by_sequence if first is None else first
        less = by_sequence - first
        figures = (by_sequence.mean(), bootstrap_error(by_sequence), less.mean(), bootstrap_error(less))
        row = [arguments.steps, spec.search_size, spec.template_size, f"{macs(spec).per_frame / 1e6:.1f}"]
        rows.append([*row, *(f"{figure:.4f}" for figure in figures)])
        print(*rows[-1], sep="  ", flush=True)
    if arguments.csv:
        with writing(arguments.csv) as path, path.open("w", newline="", encoding="utf-8") as file:
            csv.writer(file).writerows([_COLUMNS, *rows])


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
