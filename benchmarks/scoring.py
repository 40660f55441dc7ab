"""How much faster students are scored when several sequences are followed at once than one by one, in one run.

    python benchmarks/scoring.py [--rounds 5] [--batch 14] [--split short] [--out results/scoring.csv]

One core; seconds are those of the process, so that other work on the machine counts less. Each round scores every
student in both forms, in turns; a ratio is of one round. Boxes are compared, too: followed at once they differ by
rounding. Students are cut out of the default teacher and not trained, which changes nothing of what is computed.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Iterator
from collections.abc import Sequence as Items
from functools import partial
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from csv_files import write_rows

from compress.core import TrackerSpec
from compress.data import Sequence, open_source
from compress.evaluate import Evaluation, evaluate
from compress.geometry import LoopSettings
from compress.models import NumpyNetwork, load_tracker
from compress.spaces import load_space
from compress.surgery import inherit

STUDENTS: tuple[dict[str, Any], ...] = (
    {"depth": 2, "layers": "front", "mlp_ratio": 1},
    {"depth": 2, "layers": "front", "interaction": "1/2", "mlp_ratio": 2},
    {"depth": 3, "layers": "even", "mlp_ratio": 2},
    {"depth": 6, "layers": "even", "mlp_ratio": 4},
)
"""What each takes of the space; the teacher, of twelve layers, comes last."""


def specs(teacher: TrackerSpec) -> Iterator[TrackerSpec]:
    """The students, and the teacher itself."""
    space = load_space("ostrack")
    for student in STUDENTS:
        yield space.spec(teacher, partial(_chosen, student))
    yield teacher


def _chosen(student: dict[str, Any], name: str, choices: Items[Any]) -> Any:
    """A student's choice of a knob; the first one where it has none."""
    return student.get(name, choices[0])


def scored(network: NumpyNetwork, spec: TrackerSpec, sequences: list[Sequence], batch: int) -> tuple[float, Evaluation]:
    """Seconds of this process, and what was found."""
    begin = time.process_time()
    found = evaluate(network, LoopSettings.of(spec), sequences, batch=batch)
    return time.process_time() - begin, found


def apart(one: Evaluation, other: Evaluation) -> float:
    """The largest difference of a box's coordinate, in pixels."""
    return max(float(np.abs(boxes - other.boxes[name]).max()) for name, boxes in one.boxes.items())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--batch", type=int, default=14)
    parser.add_argument("--split", default="short", choices=("short", "search", "test"))
    parser.add_argument("--out", type=Path, default=Path("results/scoring.csv"))
    options = parser.parse_args()
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    teacher = load_tracker("ostrack-nano")
    sequences = open_source("generated").sequences(options.split, keep=True)
    frames = sum(map(len, sequences))
    _ = [sequence.frame(0) for sequence in sequences]  # drawn before anything is timed
    rows = []
    for spec in specs(teacher.spec):
        network = NumpyNetwork(teacher if spec == teacher.spec else inherit(teacher, spec).eval())
        rounds = [
            [scored(network, spec, sequences, batch) for batch in (1, options.batch)] for _ in range(options.rounds)
        ]
        ratios = [alone / together for (alone, _), (together, _) in rounds]
        rows.append(
            {
                "layers": len(spec.layers),
                "attention": spec.attention,
                "mlp_hidden": spec.layers[0].mlp_hidden,
                "split": options.split,
                "sequences": len(sequences),
                "frames": frames,
                "batch": options.batch,
                "one_by_one_s": round(statistics.median(r[0][0] for r in rounds), 3),
                "at_once_s": round(statistics.median(r[1][0] for r in rounds), 3),
                "ratio": round(statistics.median(ratios), 2),
                "ratio_low": round(min(ratios), 2),
                "ratio_high": round(max(ratios), 2),
                "rounds": options.rounds,
                "boxes_apart_px": f"{max(apart(r[0][1], r[1][1]) for r in rounds):.1e}",
            }
        )
        print(rows[-1], flush=True)
    write_rows(options.out, rows)


if __name__ == "__main__":
    main()
