"""How far a paired difference of two students may be off, by the number and the length of the sequences they share.

    python benchmarks/paired_noise.py RUN [--out results/paired-noise.csv]

Takes the trained students of a run directory, evaluates all on sequences generated in several numbers and lengths, and
gives for each: the standard error of a student's own mean AO, and that of the difference of two (`paired_difference`),
over all pairs of students.
"""

from __future__ import annotations

import argparse
import itertools
import statistics
from pathlib import Path

from csv_files import write_rows

from compress.archive import read_archive
from compress.data.generated import generated_sequences
from compress.data.sequence import CachedSequence
from compress.evaluate import evaluate, paired_difference
from compress.export import load_trained
from compress.geometry import LoopSettings
from compress.models import NumpyNetwork

SHAPES = ((2, 60), (4, 30), (6, 20), (12, 20), (18, 20), (6, 60))
"""Sequences of each of the 14 difficulties, and their frames."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=Path)
    parser.add_argument("--out", type=Path, default=Path("results/paired-noise.csv"))
    options = parser.parse_args()
    names = [record.variant for record in read_archive(options.run).front()]
    models = {name: load_trained(str(options.run), name).model for name in names}
    rows = []
    for each, length in SHAPES:
        sequences = [CachedSequence(s) for s in generated_sequences(split="search", per_difficulty=each, length=length)]
        found = {
            name: evaluate(NumpyNetwork(model), LoopSettings.of(model.spec), sequences, batch=14).accuracy
            for name, model in models.items()
        }
        pairs = [
            paired_difference(found[a].sequence_aos, found[b].sequence_aos) for a, b in itertools.combinations(names, 2)
        ]
        errors = [pair.se for pair in pairs]
        rows.append(
            {
                "sequences": len(sequences),
                "length": length,
                "frames": len(sequences) * length,
                "students": len(names),
                "own_se": round(statistics.mean(accuracy.ao_se for accuracy in found.values()), 4),
                "paired_se_median": round(statistics.median(errors), 4),
                "paired_se_low": round(min(errors), 4),
                "paired_se_high": round(max(errors), 4),
                "told_apart": sum(not pair.within_noise for pair in pairs),
                "pairs": len(pairs),
            }
        )
        print(rows[-1], flush=True)
    write_rows(options.out, rows)


if __name__ == "__main__":
    main()
