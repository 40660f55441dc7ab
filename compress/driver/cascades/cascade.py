"""A cascade of two trained trackers: both tracked by themselves, thresholds tried, one chosen and timed."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from compress.core import CascadeSpec, ExecutionPath, Latency, LatencyConstraint
from compress.core.progress import Progress, no_progress, part
from compress.data import Sequence as Video
from compress.driver.cascades.choosing import Alone, ChosenCascade, TimedTogether, check_speeds, choose, try_thresholds
from compress.evaluate import Evaluation, evaluate
from compress.geometry import CascadeNetwork, CascadeSettings, LoopSettings, NetworkOutput, decode, hann_window
from compress.models import NumpyNetwork, Tracker

BATCH = 16
"""Sequences followed at once; on a CPU the boxes are the same, and small networks need half the time."""


def choose_cascade(
    fast: Tracker,
    accurate: Tracker,
    sequences: Sequence[Video],
    *,
    latencies: tuple[Latency, Latency],
    constraint: LatencyConstraint,
    measure: Callable[[Mapping[ExecutionPath, int]], TimedTogether] | None,
    device: torch.device,
    progress: Progress = no_progress,
) -> ChosenCascade:
    """The threshold at which two trackers as one are the most accurate within a bound.

    Args:
        latencies: Of the fast and of the accurate tracker, on the device of the bound.
        measure: Times the cascade there over execution paths; None where it is not at hand.

    Raises:
        UsageError: trackers that make no cascade, or the fast one is no faster.
        InfeasibleError: no threshold is fast enough.
    """
    spec = CascadeSpec(fast.spec, accurate.spec, 0.5)
    check_speeds(*latencies, constraint)
    first, second = _Scored(fast, device), NumpyNetwork(accurate, device)
    settings = CascadeSettings.of(spec)

    def alone(network: NumpyNetwork, loop: LoopSettings, latency: Latency, begin: float, name: str) -> Alone:
        reported = part(progress, begin, begin + 0.1, f"{name} tracker alone")
        return Alone(evaluate(network, loop, sequences, batch=BATCH, progress=reported).accuracy, latency)

    by_fast = alone(first, settings.fast, latencies[0], 0.0, "fast")
    by_accurate = alone(second, settings.accurate, latencies[1], 0.1, "accurate")
    networks, done = CascadeNetwork(NumpyNetwork(fast, device), second), 0

    def run(threshold: float) -> Evaluation:
        nonlocal done
        begin, done = 0.2 + 0.7 * done / (done + 1), done + 1
        reported = part(progress, begin, 0.2 + 0.7 * done / (done + 1), f"both at {threshold:.3f}")
        at = CascadeSettings(settings.fast, settings.accurate, threshold)
        return evaluate(networks, at, sequences, batch=BATCH, progress=reported)

    tried = try_thresholds(run, np.array(first.scores), *latencies, constraint)
    return choose(tried, by_fast, by_accurate, constraint, measure)


class _Scored(NumpyNetwork):
    """A network that notes the score of every frame, as the frame loop reads it."""

    def __init__(self, model: Tracker, device: torch.device) -> None:
        super().__init__(model, device)
        self._window = hann_window(model.spec.grid)
        self.scores: list[float] = []

    def track(self, search: NDArray[Any], memory: dict[str, torch.Tensor]) -> NetworkOutput:
        """See `NumpyNetwork`."""
        return self._noted([super().track(search, memory)])[0]

    def track_batch(self, search: NDArray[Any], memory: dict[str, torch.Tensor]) -> list[NetworkOutput]:
        """See `NumpyNetwork`."""
        return self._noted(super().track_batch(search, memory))

    def _noted(self, answers: list[NetworkOutput]) -> list[NetworkOutput]:
        self.scores += [decode(each.maps, self._window)[1] if each.score is None else each.score for each in answers]
        return answers
