"""A few drawn frames, equal on any machine, on which a bundle is checked where it will run, without data or PyTorch."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from compress.core import AnySpec, ExecutionPath, FileError
from compress.geometry import (
    AnyNetwork,
    AnySettings,
    CascadeNetwork,
    CascadeSettings,
    CascadeTracker,
    Network,
    NetworkOutput,
)
from compress.runtime.frames import Frame
from compress.runtime.thresholds import Thresholds
from compress.runtime.track import track

SEED, LENGTH = 0, 10
TOLERANCE = 0.5
"""Largest difference in pixels that `compress verify` accepts."""
NEAR_THRESHOLD = 1e-3
"""A probability or score this near its threshold may fall on its other side on another machine."""
INIT = (60.0, 50.0, 48.0, 36.0)


def selftest_frames(seed: int = SEED, length: int = LENGTH) -> list[Frame]:
    """A textured rectangle, at `INIT` first, that moves over a textured ground: (160, 240, 3) uint8 each.

    Drawn with integers only, so every machine gets the same bytes.
    """
    rng = np.random.default_rng(seed)
    ground = _blocks(rng.integers(0, 120, (20, 30, 3), dtype=np.uint8), 8)
    target = _blocks(rng.integers(100, 256, (9, 12, 3), dtype=np.uint8), 4)
    frames = []
    for k in range(length):
        frame = ground.copy()
        x, y = int(INIT[0]) + 4 * k, int(INIT[1]) + 2 * k
        frame[y : y + target.shape[0], x : x + target.shape[1]] = target
        frames.append(frame)
    return frames


class Difference(NamedTuple):
    """How a bundle differs from what it did where it was exported.

    Attributes:
        box_px: Largest difference of a box in pixels.
        frames: Frames compared, up to the first whose decisions were near a threshold.
        path_mismatch: The first of them that takes another path now, counted from 1; None where none does.
    """

    box_px: float
    frames: int
    path_mismatch: int | None


def selftest_record(network: AnyNetwork, settings: AnySettings, spec: AnySpec) -> dict[str, Any]:
    """What `bundle.json` keeps: the frames' recipe, the boxes found on them, and the paths taken if there are any."""
    boxes, answers = _run(network, settings)
    record = {"seed": SEED, "frames": LENGTH, "boxes": boxes.tolist()}
    if not spec.adaptive:
        return record
    thresholds = Thresholds.of(spec)
    near = (i for i, answer in enumerate(answers, start=1) if thresholds.margin(answer) <= NEAR_THRESHOLD)
    return record | {"paths": _paths(answers), "tie_at": next(near, None)}


def selftest_difference(record: Any, network: AnyNetwork, settings: AnySettings, spec: AnySpec) -> Difference:
    """How what is found now differs from a `selftest_record`.

    Raises:
        FileError: the record is none, or not whole.
    """
    if not isinstance(record, dict) or record.get("seed") != SEED or record.get("frames") != LENGTH:
        raise FileError("The bundle holds no self-test, so it cannot be verified by itself. Export it again.")
    found, answers = _run(network, settings)
    expected = _floats(record.get("boxes"))
    if expected.shape != found.shape or not np.isfinite(expected).all():
        raise FileError("The boxes of the bundle's self-test are damaged, so it cannot be verified. Export it again.")
    end, path_mismatch = _compared(record, answers) if spec.adaptive else (len(found), None)
    return Difference(float(np.abs(expected - found)[:end].max(initial=0.0)), end, path_mismatch)


def _compared(record: dict[str, Any], answers: list[NetworkOutput]) -> tuple[int, int | None]:
    paths, tie = record.get("paths"), record.get("tie_at")
    known = tie is None or (type(tie) is int and 1 <= tie <= len(answers))
    if not isinstance(paths, list) or len(paths) != len(answers) or not known:
        raise FileError("The paths in the bundle's self-test are damaged, so it cannot be verified. Export it again.")
    end = len(answers) if tie is None else tie - 1
    pairs = zip(paths[:end], _paths(answers), strict=False)
    return end, next((i for i, (then, now) in enumerate(pairs, start=1) if then != now), None)


class _Recording:
    """A network whose outputs are recorded."""

    def __init__(self, network: Network) -> None:
        self._network = network
        self.encode_template = network.encode_template
        self.answers: list[NetworkOutput] = []

    def track(self, search: NDArray[np.float32], memory: Any) -> NetworkOutput:
        self.answers.append(self._network.track(search, memory))
        return self.answers[-1]


def _run(network: AnyNetwork, settings: AnySettings) -> tuple[NDArray[np.float64], list[NetworkOutput]]:
    """(LENGTH − 1, 4): the boxes found, the initial one left out; and what the network answered."""
    if isinstance(network, CascadeNetwork):
        assert isinstance(settings, CascadeSettings)
        return _run_cascade(CascadeTracker(network, settings))
    recording = _Recording(network)
    boxes = np.stack([step.box for step in track(recording, settings, selftest_frames(), INIT)][1:])
    return boxes, recording.answers


def _run_cascade(tracker: CascadeTracker) -> tuple[NDArray[np.float64], list[NetworkOutput]]:
    """As `_run`; of what was answered, what decided alone."""
    first, *frames = selftest_frames()
    tracker.start(first, INIT)
    found = [tracker.update(frame) for frame in frames]
    scores = [np.array([each.fast_score, np.nan], dtype=np.float32) for each in found]
    answers = [NetworkOutput({}, each.path, None, row) for each, row in zip(found, scores, strict=True)]
    return np.stack([each.box for each in found]), answers


def _paths(answers: list[NetworkOutput]) -> list[dict[str, Any]]:
    return [(answer.path or ExecutionPath()).to_dict() for answer in answers]


def _floats(values: Any) -> NDArray[np.float64]:
    try:
        return np.array(values, dtype=np.float64)
    except (TypeError, ValueError):
        return np.empty(0)


def _blocks(cells: NDArray[np.uint8], side: int) -> Frame:
    return np.repeat(np.repeat(cells, side, axis=0), side, axis=1)
