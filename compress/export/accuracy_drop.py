"""What a precision costs in accuracy: the same sequences followed by the graphs in float and by those converted."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from compress.archive import PairedDifference, paired_difference
from compress.core import Accuracy, CompressError, Precision, TrackerSpec
from compress.core.progress import Progress, no_progress, part
from compress.evaluate import evaluate
from compress.geometry import LoopSettings
from compress.runtime import GraphNetwork

if TYPE_CHECKING:
    from collections.abc import Sequence as Items

    from compress.data import Sequence

MOST_DROP = 0.02
"""AO that a bundle in low precision may lose by default: a choice, no measurement."""

_INSTEAD = {
    "int8": "Try another --calibration, give a larger --max-drop, or search with a target in int8, which chooses among "
    "students by what they score in int8."
}
_OTHERWISE = "Give a larger --max-drop, or leave --precision out."


@dataclass(frozen=True)
class AccuracyDrop:
    """Accuracy before and after, over the same sequences."""

    before: Accuracy
    after: Accuracy

    @property
    def ao(self) -> float:
        """AO that is lost; below 0 where it is gained."""
        return self.before.ao - self.after.ao

    @property
    def by_sequence(self) -> PairedDifference:
        """After less before, as the mean over sequences."""
        return paired_difference(self.after.sequence_aos, self.before.sequence_aos)

    def check(self, most: float) -> None:
        """Raises `CompressError` where more than `most` is lost."""
        if not self.ao <= most:
            raise CompressError(
                f"In {self.after.precision} the tracker loses {self.ao:.3f} AO ({self}), and --max-drop is {most:g}. "
                f"Nothing was written. {_INSTEAD.get(self.after.precision, _OTHERWISE)}"
            )

    def __str__(self) -> str:
        """`AO 0.612 in fp32, 0.605 in int8; by sequence -0.006 ± 0.002`."""
        each = f"AO {self.before.ao:.3f} in {self.before.precision}, {self.after.ao:.3f} in {self.after.precision}"
        return f"{each}; by sequence {self.by_sequence}"

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON types."""
        return {"before": self.before.to_dict(), "after": self.after.to_dict(), "drop": self.ao}


def accuracy_drop(
    spec: TrackerSpec,
    exact: Mapping[str, bytes],
    graphs: Mapping[str, bytes],
    precision: Precision,
    sequences: Items[Sequence],
    *,
    settings: LoopSettings,
    threads: int = 1,
    progress: Progress = no_progress,
) -> AccuracyDrop:
    """Evaluate the graphs of float32 and those in `precision`, both under onnxruntime.

    Raises:
        UsageError: see `evaluate`.
    """
    found = []
    for i, (each, made) in enumerate((("fp32", exact), (precision, graphs))):
        own = part(progress, i / 2, (i + 1) / 2, f"AO in {each}")
        network = GraphNetwork(spec, made, threads=threads)
        accuracy = evaluate(network, settings, sequences, progress=own).accuracy
        found.append(replace(accuracy, precision=each))
    return AccuracyDrop(*found)
