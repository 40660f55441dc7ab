"""Exit thresholds for a trained tracker: chosen from the scores of all exits, then evaluated by tracking."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from compress.core import Accuracy, ExecutionPath, Store, TrackerSpec, path_rows
from compress.core.progress import Progress, no_progress, part
from compress.core.writing import write_file
from compress.data import Sequence as Video
from compress.driver.exit_thresholds.exit_scores import exit_scores
from compress.driver.exit_thresholds.selection import Milliseconds, ThresholdEstimate, choose, estimate_thresholds
from compress.evaluate import evaluate
from compress.geometry import LoopSettings
from compress.models import NumpyNetwork, Tracker, build
from compress.runtime.thresholds import with_thresholds


@dataclass(frozen=True)
class ChosenThresholds:
    """A tracker with thresholds.

    Attributes:
        expected: On the frames as the last exit's boxes cut them out.
        accuracy, paths, ms: Of tracking the same sequences with the thresholds; `ms` is the mean over the paths taken.
    """

    spec: TrackerSpec
    expected: ThresholdEstimate
    accuracy: Accuracy
    paths: dict[ExecutionPath, int]
    ms: float

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON types; `spec` as commands that take the file of a spec read it."""
        found = self.expected
        return {
            "spec": self.spec.to_dict(),
            "id": self.spec.id,
            "weights_id": self.spec.weights_id,
            "taus": list(found.taus),
            "expected": {"ao": found.iou, "ms": found.ms, "paths": path_rows(found.paths)},
            "tracked": {**self.accuracy.to_dict(), "ms": self.ms, "paths": path_rows(self.paths)},
        }

    def write(self, path: Path, *, variant: str) -> None:
        """Write `to_dict` as JSON with the variant whose weights are meant."""
        write_file(path, json.dumps({"variant": variant, **self.to_dict()}, indent=2) + "\n")


def set_thresholds(
    model: Tracker,
    sequences: Sequence[Video],
    *,
    ms: Milliseconds,
    max_ms: float | None,
    taus: Sequence[float] | None,
    data: str,
    store: Store,
    device: torch.device,
    progress: Progress = no_progress,
) -> ChosenThresholds:
    """Thresholds for a tracker: `taus` as they are, or those that are most accurate within `max_ms`.

    Args:
        ms: Mean milliseconds of a frame by its path.
        data, store: Fingerprint of the sequences, and where the exits' scores are kept; see `exit_scores`.

    Raises:
        UsageError, InfeasibleError: as `choose` and `with_thresholds`.
    """
    given = None if taus is None else with_thresholds(model.spec, taus)
    scores = exit_scores(
        model, sequences, device=device, data=data, store=store, progress=part(progress, 0, 0.5, "scoring all exits")
    )
    if given is not None:
        found = estimate_thresholds(scores, given, [each.tau for each in given.exits[:-1]], ms)
    else:
        assert max_ms is not None, "either taus or max_ms"
        found = choose(scores, model.spec, ms, max_ms)
    spec = with_thresholds(model.spec, found.taus)
    tracked = evaluate(
        NumpyNetwork(_with_spec(model, spec), device),
        LoopSettings.of(spec),
        sequences,
        progress=part(progress, 0.5, 1, "tracking with the thresholds"),
    )
    mean = sum(ms(path) * count for path, count in tracked.paths.items()) / sum(tracked.paths.values())
    return ChosenThresholds(spec, found, tracked.accuracy, tracked.paths, mean)


def _with_spec(model: Tracker, spec: TrackerSpec) -> Tracker:
    other = build(spec).eval()
    other.load_state_dict(model.state_dict())
    return other
