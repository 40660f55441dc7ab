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
from compress.evaluate.following import Run, can_batch, follow
from compress.evaluate.score import SequenceScore, pool, score_sequence
from compress.geometry import AnyNetwork, AnySettings


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
    network: AnyNetwork,
    settings: AnySettings,
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
    check_sequences([s.name for s in sequences])
    total, done = sum(map(len, sequences)), 0

    def step() -> None:
        nonlocal done
        done += 1
        progress(f"frame {done} of {total}", done / total)

    batch = even_groups(len(sequences), batch) if can_batch(network) else 1
    found = dict(follow(network, settings, sequences, batch, step))
    return summarised(sequences, [found[index] for index in range(len(sequences))], batch=batch)


def summarised(sequences: Items[Sequence], runs: Items[Run], *, batch: int = 1) -> Evaluation:
    """The figures of sequences that were followed to their ends, in the same order.

    Raises:
        UsageError: no frame that can be scored.
    """
    scores = [
        score_sequence(s.name, s.boxes, run.boxes, s.visible, frame_size=run.size)
        for s, run in zip(sequences, runs, strict=True)
    ]
    paths = sum((run.paths for run in runs), Counter[ExecutionPath]())
    return Evaluation(
        accuracy=pool(scores),
        fps=frames_per_second(runs),
        renewals=sum(run.renewals for run in runs),
        per_sequence=scores,
        boxes={s.name: run.boxes for s, run in zip(sequences, runs, strict=True)},
        paths=dict(paths),
        batch=batch,
    )


def check_sequences(names: Items[str]) -> None:
    """Whether there are sequences, each of a name of its own.

    Raises:
        UsageError: no sequences, or two of the same name.
    """
    counts = Counter(names)
    twice = sorted(name for name, count in counts.items() if count > 1)
    if twice:
        raise UsageError(f"Each sequence needs a name of its own, but {', '.join(twice)} came twice. Rename one.")
    if not names:
        raise UsageError("There are no sequences to evaluate on. Give --data generated or --data folder:PATH.")


def frames_per_second(runs: Items[Run]) -> float:
    """Frames over the seconds of the frame loop."""
    return sum(len(run.times) for run in runs) / max(sum(float(run.times.sum()) for run in runs), 1e-9)


def even_groups(count: int, most: int) -> int:
    """As many at once that no group of `count` is much smaller than the others."""
    return -(-count // -(-count // max(1, most)))
