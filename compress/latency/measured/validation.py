"""`ValidationResult`: a prediction beside the measurement it was held against."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class ValidationResult:
    """One whole tracker, or one way through it: its 10th percentile predicted without it, and measured."""

    spec: str
    predicted_ms: float
    measured_ms: float

    @property
    def error(self) -> float:
        """Relative error of the prediction."""
        return self.predicted_ms / self.measured_ms - 1
