"""Scores that every exit of a tracker gives to the frames of some sequences, and the IoU that its boxes have."""

from __future__ import annotations

from collections.abc import Sequence as Items
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from compress.core import ExecutionPath, Store, TrackerSpec, fingerprint
from compress.core.progress import Progress, no_progress
from compress.data import Sequence
from compress.evaluate.metrics import got10k_overlaps
from compress.geometry import (
    FrameTracker,
    LoopSettings,
    NetworkOutput,
    clip_box,
    crop_target,
    decode,
    hann_window,
    map_back,
)
from compress.models import NumpyNetwork, Tracker, weights_key


@dataclass(frozen=True)
class ExitScores:
    """Frames with the target in sight, in the order of the sequences, each seen by all exits on the same crop.

    Attributes:
        scores: (F, E) float32 IoU that each exit expected of its box.
        ious: (F, E) IoU that its box had, both boxes within the frame.
        skipped: (F, L) which layers bypass left out.
    """

    scores: NDArray[np.float32]
    ious: NDArray[np.float64]
    skipped: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.scores)

    def paths(self, spec: TrackerSpec) -> list[list[ExecutionPath]]:
        """The path of each frame, if it left at each exit."""
        ends = [each.after for each in spec.exits]
        rows = [np.flatnonzero(row).tolist() for row in self.skipped]
        return [[ExecutionPath(frozenset(i for i in row if i < end), k) for k, end in enumerate(ends)] for row in rows]


def exit_scores(
    model: Tracker,
    sequences: Items[Sequence],
    *,
    data: str,
    device: torch.device,
    store: Store,
    progress: Progress = no_progress,
) -> ExitScores:
    """Follow the object of every sequence by the last exit's boxes, and run all exits on each frame.

    Kept in the store by the tracker's weights and the sequences, and read from there the next time.

    Args:
        data: Fingerprint of the sequences, see `split_key`.
        progress: Called after each sequence.
    """

    def make(path: Path) -> None:
        found = _asked(model, sequences, device, progress)
        with path.open("wb") as file:
            np.savez_compressed(file, scores=found.scores, ious=found.ious, skipped=found.skipped)

    key = fingerprint([weights_key(model), model.spec.weights_id, model.spec.bypass, data])
    return store.get("exit_scores", key, read=_read, make=make, suffix=".npz")


def _read(path: Path) -> ExitScores | None:
    try:
        with np.load(path, allow_pickle=False) as kept:
            return ExitScores(kept["scores"], kept["ious"], kept["skipped"])
    except (ValueError, KeyError, BadZipFile, EOFError):
        return None


def _asked(model: Tracker, sequences: Items[Sequence], device: torch.device, progress: Progress) -> ExitScores:
    network, parts = _EveryExit(model, device), []
    for i, sequence in enumerate(sequences):
        parts.append(_follow(network, model.spec, sequence))
        progress(f"sequence {i + 1} of {len(sequences)}", (i + 1) / len(sequences))
    return ExitScores(*(np.concatenate(each) for each in zip(*parts, strict=True)))


class _EveryExit(NumpyNetwork):
    """Answers by the last exit, and keeps what all of them said about the frame."""

    def __init__(self, model: Tracker, device: torch.device) -> None:
        super().__init__(model, device)
        self.answers: list[dict[str, NDArray[np.float32]]] = []
        self.scores = np.zeros(0, dtype=np.float32)
        self.skipped = np.zeros(0, dtype=bool)

    @torch.inference_mode()
    def track(self, search: NDArray[Any], memory: dict[str, Tensor]) -> NetworkOutput:
        found = self._model.track(self._tensor(search), memory, every_exit=True).decisions
        assert found is not None
        assert found.exits is not None
        self.answers = [{k: v.float().cpu().numpy() for k, v in each.maps.items()} for each in found.exits]
        self.scores = np.array([float(each.score) for each in found.exits], dtype=np.float32)
        self.skipped = found.skipped[0].cpu().numpy()
        return NetworkOutput(self.answers[-1])


def _follow(
    network: _EveryExit, spec: TrackerSpec, sequence: Sequence
) -> tuple[NDArray[np.float32], NDArray[np.float64], NDArray[np.bool_]]:
    settings = LoopSettings.of(spec)
    tracker, box = FrameTracker(network, settings), np.asarray(sequence.boxes[0], dtype=np.float64)
    first = sequence.frame(0)
    tracker.start(first, box)
    boxes = np.zeros((len(spec.exits), len(sequence), 4))
    scores, skipped = [], []
    for i in range(1, len(sequence)):
        frame = sequence.frame(i)
        following = tracker.update(frame).box
        boxes[:, i] = [_box(answer, settings, frame, box) for answer in network.answers]
        scores.append(network.scores)
        skipped.append(network.skipped)
        box = following
    seen = np.asarray(sequence.visible, dtype=bool)
    size = first.shape[1], first.shape[0]
    ious = np.stack([got10k_overlaps(sequence.boxes, each, seen, size) for each in boxes], axis=1)
    return np.stack(scores)[seen[1:]], ious, np.stack(skipped)[seen[1:]]


def _box(
    maps: dict[str, NDArray[np.float32]],
    settings: LoopSettings,
    frame: NDArray[np.uint8],
    previous: NDArray[np.float64],
) -> list[float]:
    """The box x, y, w, h in the frame that an exit's maps give, as the frame loop reads them."""
    found, _ = decode(maps, hann_window(settings.grid))
    factor = crop_target(frame, previous, factor=settings.search_factor, size=settings.search_size).resize_factor
    mapped = map_back(found, previous.tolist(), resize_factor=factor, search_size=settings.search_size)
    return clip_box(mapped, frame.shape[1], frame.shape[0])
