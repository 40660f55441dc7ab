"""The parity gate: a network and its exported form must agree on tensors and on the boxes of a sequence."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from compress.core import CompressError

# Float32 rounding, in another order of additions, stays below 1e-4 at ViT-B; a wrong graph is off by far more.
MAP_TOLERANCE = 1e-3
"""Largest difference in any map: scores, sizes and probabilities in [0, 1], offsets in cells, score heads' logits;
and in the box that distributions tell, in shares of the crop."""
BOX_TOLERANCE = 0.5
"""Largest difference of a box's x, y, w or h, in frame pixels."""
MEAN_IOU = 0.999


@dataclass(frozen=True)
class Parity:
    """How far apart two forms of one tracker are.

    Attributes:
        maps: Largest absolute difference of each map, over random inputs and all crops of the sequence; of heads
            that put out distributions also of the `box` they tell.
        box_px: Largest difference of x, y, w, h in pixels, over `frames` frames tracked by each on its own.
        mean_iou: Mean overlap of the two boxes over these frames.
        renewed, also_renewed: Frames after which the first and the second renewed its online template.
        tie_at: The frame where two cells, or two frames that could become the template, score the same within
            rounding, so that either form may rightly go its own way; boxes are compared up to there. None where there
            was none.
    """

    maps: dict[str, float]
    box_px: float
    mean_iou: float
    frames: int
    renewed: tuple[int, ...]
    also_renewed: tuple[int, ...]
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
        return asdict(self)
