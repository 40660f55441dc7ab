"""The parity gate: a network and its exported form must agree on tensors and on the boxes of a sequence."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from compress.core import CompressError
from compress.geometry import LoopSettings, Maps, Network, hann_window, iou
from compress.runtime import track

if TYPE_CHECKING:
    from compress.data import Sequence

# Float32 rounding, in another order of additions, stays below 1e-4 at ViT-B; a wrong graph is off by far more.
MAP_TOLERANCE = 1e-3
"""Largest difference in any map: scores and sizes in [0, 1], offsets in cells."""
BOX_TOLERANCE = 0.5
"""Largest difference of a box's x, y, w or h, in frame pixels."""
MEAN_IOU = 0.999


@dataclass(frozen=True)
class Parity:
    """How far apart two forms of one tracker are.

    Attributes:
        maps: Largest absolute difference of each map, over random inputs and all crops of the sequence.
        box_px: Largest difference of x, y, w, h in pixels, over `frames` frames tracked by each on its own.
        mean_iou: Mean overlap of the two boxes over these frames.
        tie_at: The frame where two cells score the same within rounding, so that either form may rightly go its
            own way; boxes are compared up to there. None where there was none.
    """

    maps: dict[str, float]
    box_px: float
    mean_iou: float
    frames: int
    tie_at: int | None
    sequence: str

    def problems(self) -> list[str]:
        """What is beyond tolerance, with the figures; empty where the two agree."""
        found = [
            f"{name} differs by {value:.2g} (at most {MAP_TOLERANCE:g})"
            for name, value in self.maps.items()
            if not value <= MAP_TOLERANCE
        ]
        if not self.box_px <= BOX_TOLERANCE:
            found.append(f"boxes differ by {self.box_px:.2f} px (at most {BOX_TOLERANCE:g})")
        if not self.mean_iou >= MEAN_IOU:
            found.append(f"boxes overlap by {self.mean_iou:.4f} on average (at least {MEAN_IOU:g})")
        return found

    def check(self, what: str) -> None:
        """Raises `CompressError` with the figures unless the two agree; `what` names them."""
        problems = self.problems()
        if problems:
            raise CompressError(
                f"{what} do not agree on random inputs and on the sequence {self.sequence}: {'; '.join(problems)}. "
                "Nothing was kept. Report this with the spec and the versions of torch and onnxruntime."
            )

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)


def compare(
    reference: Network, candidate: Network, settings: LoopSettings, sequence: Sequence, *, seed: int = 0
) -> Parity:
    """Run both on random inputs, on the same crops of `sequence`, and each by itself through `sequence`."""
    both = _Both(reference, candidate, settings)
    _random_inputs(both, settings, seed)
    both.ties.clear()
    expected = _boxes(both, settings, sequence)
    found = _boxes(candidate, settings, sequence)
    # Frame 1 is the first tracked one; a tie on the k-th compares k − 1 boxes.
    end = both.ties[0] if both.ties else len(expected)
    compared = slice(0, end)
    difference = np.abs(expected[compared] - found[compared])
    return Parity(
        maps=both.differences,
        box_px=float(difference.max(initial=0.0)),
        mean_iou=float(iou(expected[compared], found[compared]).mean()) if end else 1.0,
        frames=end,
        tie_at=end + 1 if both.ties else None,
        sequence=sequence.name,
    )


class _Both:
    """Runs two networks on the same crops, follows the first, and keeps their largest differences."""

    def __init__(self, reference: Network, candidate: Network, settings: LoopSettings) -> None:
        self._networks = (reference, candidate)
        self._window = hann_window(settings.grid)
        self._calls = 0
        self.differences: dict[str, float] = {}
        self.ties: list[int] = []

    def encode_template(self, template: NDArray[np.float32], template_box: NDArray[np.float32] | None) -> Any:
        self._calls = 0
        return [network.encode_template(template, template_box) for network in self._networks]

    def track(self, search: NDArray[np.float32], memory: Any) -> Maps:
        first, second = (network.track(search, part) for network, part in zip(self._networks, memory, strict=True))
        for name, expected in first.items():
            # NaN must not compare as agreement, so it is kept as an infinite difference.
            difference = float(np.nan_to_num(np.abs(expected - second[name]).max(), nan=np.inf))
            self.differences[name] = max(difference, self.differences.get(name, 0.0))
        if self._peak(first) != self._peak(second):
            self.ties.append(self._calls)
        self._calls += 1
        return first

    def _peak(self, maps: Maps) -> int:
        return int(np.argmax(maps["score_map"][0, 0] * self._window))


def _random_inputs(network: Network, settings: LoopSettings, seed: int, runs: int = 4) -> None:
    rng = np.random.default_rng(seed)
    for _ in range(runs):
        template, search = (
            rng.standard_normal((1, 3, size, size), dtype=np.float32)
            for size in (settings.template_size, settings.search_size)
        )
        box = rng.random((1, 4), dtype=np.float32) if settings.target_token else None
        network.track(search, network.encode_template(template, box))


def _boxes(network: Network, settings: LoopSettings, sequence: Sequence) -> NDArray[np.float64]:
    """(n − 1, 4): every box but the first, each network following its own."""
    frames = (sequence.frame(i) for i in range(len(sequence)))
    boxes = [step.box for step in track(network, settings, frames, sequence.boxes[0])]
    return np.array(boxes[1:], dtype=np.float64).reshape(-1, 4)
