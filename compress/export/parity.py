"""The parity gate: a network and its exported form must agree on tensors and on the boxes of a sequence."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from typing import Any

from compress.core import CompressError, ExecutionPath, path_rows

# Float32 rounding, in another order of additions, stays below 1e-4 at ViT-B; a wrong graph is off by far more.
MAP_TOLERANCE = 1e-3
"""Largest difference in any map: scores, sizes and probabilities in [0, 1], offsets in cells, score heads' logits;
in the box that distributions give, in shares of the crop; and in what decides, bypass probabilities and exit scores."""
BOX_TOLERANCE = 0.5
"""Largest difference of a box's x, y, w or h, in frame pixels."""
MEAN_IOU = 0.999
NEAR_THRESHOLD = 1e-3
"""A probability or score this near its threshold may lie on either side of it through rounding alone."""


@dataclass(frozen=True)
class Parity:
    """How far apart two forms of one tracker are.

    Attributes:
        maps: Largest absolute difference of each map, over random inputs and all crops of the sequence; of heads
            that put out distributions also of the `box` they give, of adaptive trackers also of the probabilities and
            scores that decide.
        box_px: Largest difference of x, y, w, h in pixels, over `frames` frames tracked by each on its own.
        mean_iou: Mean overlap of the two boxes over these frames.
        renewed, also_renewed: Frames after which the first and the second renewed its online template.
        tie_at: The frame where two cells, or two frames that could become the template, score the same within
            rounding, or where what decides is a threshold within rounding, so that the two may rightly
            differ from there on; boxes are compared up to there. None where there was none.
        paths: The execution paths that the frames took through an adaptive tracker, with their numbers of frames.
        path_mismatch: Crops on which the two took different paths though no decision was near its threshold.
    """

    maps: dict[str, float]
    box_px: float
    mean_iou: float
    frames: int
    renewed: tuple[int, ...]
    also_renewed: tuple[int, ...]
    tie_at: int | None
    sequence: str
    paths: dict[ExecutionPath, int] = field(default_factory=dict)
    path_mismatch: int = 0

    def problems(self) -> list[str]:
        """What is beyond tolerance, with the figures; empty where the two agree."""
        found = [
            f"{name} differs by {value:.2g} (at most {MAP_TOLERANCE:g})"
            for name, value in self.maps.items()
            if not value <= MAP_TOLERANCE
        ]
        if self.path_mismatch:
            found.append(f"other layers or exits are taken on {self.path_mismatch} crops")
        if not self.box_px <= BOX_TOLERANCE:
            found.append(f"boxes differ by {self.box_px:.2f} px (at most {BOX_TOLERANCE:g})")
        if not self.mean_iou >= MEAN_IOU:
            found.append(f"boxes overlap by {self.mean_iou:.4f} on average (at least {MEAN_IOU:g})")
        if self.renewed != self.also_renewed:
            found.append(f"templates are renewed after frames {self.renewed} and {self.also_renewed}")
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
        """Plain JSON types."""
        return {f.name: getattr(self, f.name) for f in fields(self)} | {"paths": path_rows(self.paths)}
