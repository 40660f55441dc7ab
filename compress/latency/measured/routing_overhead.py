"""What it costs to decide per frame, and to run a tracker in stages for it."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import asdict, dataclass

from compress.latency.measured.validation import ValidationResult


@dataclass(frozen=True)
class RoutingOverhead:
    """Costs of bypass and exits beside the layers: 10th percentiles in ms at the speed of the profile's other figures.

    Attributes:
        frame_ms: A frame in stages: the host's account of it, and memory that no stage keeps for the next frame.
        call_ms: One more stage: its call, its tokens handed over, the host's decision.
        exit_ms: Passing an exit: its norm and score; adapter layers apart.
        layer_share: By how much layers and adapters are slower in stages and with the learned tokens beside.
        held: Ways of other trackers, predicted and measured; no figure above was fitted to them.
    """

    frame_ms: float
    call_ms: float
    exit_ms: float
    layer_share: float
    validation: tuple[ValidationResult, ...] = ()

    @property
    def mean_error(self) -> float | None:
        """Mean absolute relative error over the ways held back; None where none was."""
        return sum(abs(h.error) for h in self.validation) / len(self.validation) if self.validation else None

    def problems(self) -> Iterator[str]:
        """Everything that keeps the figures from being costs."""
        for name, value in asdict(self).items():
            if name != "validation" and not (math.isfinite(value) and value >= 0):
                yield f"{name} must be ≥ 0 but is {value}"
        for i, validation in enumerate(self.validation):
            if not all(math.isfinite(ms) and ms > 0 for ms in (validation.predicted_ms, validation.measured_ms)):
                yield f"validation[{i}] must hold positive numbers"
