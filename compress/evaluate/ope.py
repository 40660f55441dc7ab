"""One-pass evaluation: the tracker starts on the first true box of a sequence and runs to its end without help."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence as Items
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from compress.core import Accuracy, ExecutionPath, UsageError
from compress.core.progress import Progress, no_progress
from compress.data import Sequence
from compress.evaluate.following import can_batch, follow
from compress.evaluate.score import SequenceScore, pool, score_sequence
from compress.geometry import LoopSettings, Network


@dataclass(frozen=True)
class Evaluation:
    """Accuracy, speed and boxes of one tracker over some sequences.

    Attributes:
        fps: Frames over the time spent in start and update; reading or drawing the images is left out. The speed of
            the tracker where `batch` is 1; of several frames at once elsewhere.
        renewals: How often a template was renewed, over all sequences.
        per_sequence: In the order given.
        boxes: By sequence name, (n, 4) float64 x, y, w, h; the first row is the true box.
        paths: How many of the tracked frames took each path through an adaptive tracker; empty for others.
        batch: Sequences that were followed at once.
    """

    accuracy: Accuracy
    fps: float
    renewals: int
    per_sequence: list[SequenceScore]
    boxes: dict[str, NDArray[np.float64]]
    paths: dict[ExecutionPath, int] = field(default_factory=dict)
    batch: int = 1


def evaluate(
    network: Network,
    settings: LoopSettings,
    sequences: Items[Sequence],
    *,
    batch: int = 1,
    progress: Progress = no_progress,
) -> Evaluation:
    """Follow the object of every sequence and score the boxes.

    Args:
        batch: The most sequences followed at once, where the network can, see `BatchNetwork`. Boxes are the same to
            rounding.
        progress: Called after each frame.

    Raises:
        UsageError: no sequences, two of the same name, no frame that can be scored, or a first box outside of
            its frame.
    """
    names = [s.name for s in sequences]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise UsageError(f"Each sequence needs a name of its own, but {', '.join(twice)} came twice. Rename one.")
    if not names:
        raise UsageError("There are no sequences to evaluate on. Give --data generated or --data folder:PATH.")
    total, done = sum(map(len, sequences)), 0

    def step() -> None:
        nonlocal done
        done += 1
        progress(f"frame {done} of {total}", done / total)

    batch = _even_groups(len(sequences), batch) if can_batch(network) else 1
    runs, seconds = follow(network, settings, sequences, batch, step)
    scores = [
        score_sequence(s.name, s.boxes, run.boxes, s.visible, frame_size=run.size)
        for s, run in zip(sequences, runs, strict=True)
    ]
    paths = sum((run.paths for run in runs), Counter[ExecutionPath]())
    return Evaluation(
        accuracy=pool(scores),
        fps=total / max(seconds, 1e-9),
        renewals=sum(run.renewals for run in runs),
        per_sequence=scores,
        boxes={s.name: run.boxes for s, run in zip(sequences, runs, strict=True)},
        paths=dict(paths),
        batch=batch,
    )


def _even_groups(count: int, most: int) -> int:
    """As many at once that no group of `count` is much smaller than the others."""
    return -(-count // -(-count // max(1, most)))
