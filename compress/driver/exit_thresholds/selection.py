"""Exit thresholds for a speed, chosen after training from what the exits said about some sequences."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np
from numpy.typing import NDArray

from compress.core import ExecutionPath, InfeasibleError, TrackerSpec
from compress.driver.exit_thresholds.exit_scores import ExitScores
from compress.runtime.thresholds import check_exits

Milliseconds = Callable[[ExecutionPath], float]
"""Mean time of the frames that take one path."""

Floats = NDArray[np.float64]

_NEVER, _ALWAYS = 1.0, 0.0
"""Thresholds that no score exceeds and that every score exceeds."""
_GRID = 4000
"""Combinations tried of all thresholds but the last, for each of which that one is exact."""


@dataclass(frozen=True)
class ThresholdEstimate:
    """Thresholds, and what is expected of them on the frames that were recorded.

    Attributes:
        taus: Of all exits but the last.
        ms: Mean milliseconds per frame.
        iou: Mean IoU of the box of the exit taken.
        paths: Frames counted by the path they would take.
    """

    taus: tuple[float, ...]
    ms: float
    iou: float
    paths: dict[ExecutionPath, int]


def estimate_thresholds(
    scores: ExitScores, spec: TrackerSpec, taus: Sequence[float], ms: Milliseconds
) -> ThresholdEstimate:
    """What thresholds are expected to do, each frame leaving at the first exit whose score exceeds its threshold."""
    leaves = scores.scores[:, :-1] > np.asarray(taus, dtype=np.float32)
    taken = np.where(leaves.any(1), leaves.argmax(1), len(spec.exits) - 1)
    frames = np.arange(len(taken))
    paths = Counter(row[k] for row, k in zip(scores.paths(spec), taken.tolist(), strict=True))
    mean = sum(ms(path) * count for path, count in paths.items()) / len(taken)
    return ThresholdEstimate(tuple(taus), mean, float(scores.ious[frames, taken].mean()), dict(paths))


def choose(scores: ExitScores, spec: TrackerSpec, ms: Milliseconds, max_ms: float) -> ThresholdEstimate:
    """The thresholds with the highest expected IoU whose expected latency is at most `max_ms`.

    With two exits, one threshold, the best there is; with more all but the last threshold lie on a grid of quantiles of
    their scores. Among equals the fastest is taken.

    Raises:
        UsageError: as `check_exits`.
        InfeasibleError: not even leaving at the fastest exit is fast enough.
    """
    check_exits(spec)
    costs = _costs(scores, spec, ms)
    if not costs[:, 0].mean() <= max_ms:
        raise InfeasibleError(
            f"{1000 / max_ms:.4g} fps were asked for, but where every frame leaves at the first exit this tracker is "
            f"expected to reach {1000 / costs[:, 0].mean():.4g} fps, and thresholds can make it no faster. "
            "Ask for less, or take a faster variant."
        )
    found = [best for first in _grid(scores) if (best := _best(scores, costs, first, max_ms)) is not None]
    *_, taus = max(found)
    return estimate_thresholds(scores, spec, taus, ms)


def _costs(scores: ExitScores, spec: TrackerSpec, ms: Milliseconds) -> Floats:
    """(F, E) milliseconds of each frame, had it left at each exit."""
    known: dict[ExecutionPath, float] = {}
    rows = scores.paths(spec)
    for path in {path for row in rows for path in row}:
        known[path] = ms(path)
    return np.array([[known[path] for path in row] for row in rows])


def _grid(scores: ExitScores) -> Iterator[tuple[float, ...]]:
    """Thresholds of all early exits but the last."""
    before = scores.scores.shape[1] - 2
    points = max(2, int(_GRID ** (1 / before))) if before else 0
    columns = [np.quantile(scores.scores[:, k], np.linspace(0, 1, points)[1:-1]) for k in range(before)]
    yield from product(*([_ALWAYS, *np.unique(column).tolist(), _NEVER] for column in columns))


def _best(
    scores: ExitScores, costs: Floats, first: tuple[float, ...], max_ms: float
) -> tuple[float, float, tuple[float, ...]] | None:
    """Of all thresholds that begin with `first`: IoU, minus milliseconds, thresholds; None where none is fast enough.

    Frames that come to the last early exit leave there in the order of their scores, as far as it pays.
    """
    k, frames = len(first), len(scores)
    leaves = scores.scores[:, :k] > np.asarray(first, dtype=np.float32)
    left = leaves.any(1)
    taken = leaves.argmax(1) if k else np.zeros(frames, dtype=int)
    rest = np.flatnonzero(~left)
    rest = rest[np.argsort(-scores.scores[rest, k], kind="stable")]
    gone = np.flatnonzero(left)

    def totals(values: Floats) -> Floats:
        """For i = 0, 1, … leaving at the last early exit: the mean over all frames."""
        start = values[gone, taken[gone]].sum() + values[rest, k + 1].sum()
        return np.asarray(start + np.append(0.0, np.cumsum(values[rest, k] - values[rest, k + 1]))) / frames

    ms, iou = totals(costs), totals(scores.ious)
    taus = _between(scores.scores[rest, k])
    able = (ms <= max_ms) & ~np.isnan(taus)
    if not able.any():
        return None
    i = max(np.flatnonzero(able).tolist(), key=lambda i: (iou[i], -ms[i]))
    return float(iou[i]), -float(ms[i]), (*first, float(taus[i]))


def _between(falling: NDArray[np.float32]) -> Floats:
    """Thresholds that the first 0, 1, … of falling scores exceed, and no others; NaN where two scores are equal."""
    above, below = np.append(2.0, falling), np.append(falling, -1.0)
    middle = ((above + below) / 2).astype(np.float32)
    middle[0], middle[-1] = _NEVER, _ALWAYS
    exact = (above > middle) & (middle >= below)
    return np.where(exact, middle, np.nan).astype(np.float64)
