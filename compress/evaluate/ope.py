"""One-pass evaluation: the tracker starts on the first true box of a sequence and runs to its end without help."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from collections.abc import Sequence as Items
from dataclasses import dataclass, field
from time import perf_counter
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from compress.core import Accuracy, CompressError, ExecutionPath, UsageError
from compress.core.progress import Progress, no_progress
from compress.data import Sequence
from compress.evaluate.score import SequenceScore, pool, score_sequence
from compress.geometry import FrameTracker, LoopSettings, Network


@dataclass(frozen=True)
class Evaluation:
    """Accuracy, speed and boxes of one tracker over some sequences.

    Attributes:
        fps: Frames over the time spent in start and update; reading or drawing the images is left out.
        renewals: How often a template was renewed, over all sequences.
        per_sequence: In the order given.
        boxes: By sequence name, (n, 4) float64 x, y, w, h; the first row is the true box.
        paths: How many of the tracked frames took each path through an adaptive tracker; empty for others.
    """

    accuracy: Accuracy
    fps: float
    renewals: int
    per_sequence: list[SequenceScore]
    boxes: dict[str, NDArray[np.float64]]
    paths: dict[ExecutionPath, int] = field(default_factory=dict)


def evaluate(
    network: Network,
    settings: LoopSettings,
    sequences: Items[Sequence],
    *,
    progress: Progress = no_progress,
) -> Evaluation:
    """Follow the object of every sequence and score the boxes.

    Args:
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
    total, done, seconds, renewals = sum(map(len, sequences)), 0, 0.0, 0

    def step() -> None:
        nonlocal done
        done += 1
        progress(f"frame {done} of {total}", done / total)

    scores, boxes, paths = [], {}, Counter[ExecutionPath]()
    for sequence in sequences:
        run = _follow(FrameTracker(network, settings), sequence, step)
        scores.append(score_sequence(sequence.name, sequence.boxes, run.boxes, sequence.visible, frame_size=run.size))
        boxes[sequence.name] = run.boxes
        seconds += run.seconds
        renewals += run.renewals
        paths += run.paths
    return Evaluation(pool(scores), total / max(seconds, 1e-9), renewals, scores, boxes, dict(paths))


class _Run(NamedTuple):
    """One sequence: boxes, the first frame's (width, height), seconds in the tracker, templates renewed, paths."""

    boxes: NDArray[np.float64]
    size: tuple[int, int]
    seconds: float
    renewals: int
    paths: Counter[ExecutionPath]


def _follow(tracker: FrameTracker, sequence: Sequence, step: Callable[[], None]) -> _Run:
    boxes = np.zeros((len(sequence), 4))
    boxes[0] = sequence.boxes[0]
    seconds, renewals = 0.0, 0
    size, paths = (0, 0), Counter[ExecutionPath]()
    for i in range(len(sequence)):
        frame = sequence.frame(i)
        begin = perf_counter()
        try:
            if i:
                found = tracker.update(frame)
                boxes[i] = found.box
                renewals += found.renewed
                paths.update([] if found.path is None else [found.path])
            else:
                size = (frame.shape[1], frame.shape[0])
                tracker.start(frame, boxes[0])
        except CompressError as error:
            raise type(error)(f"Sequence {sequence.name}, frame {i + 1}: {error}") from error
        seconds += perf_counter() - begin
        step()
    return _Run(boxes, size, seconds, renewals, paths)
