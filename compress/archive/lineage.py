"""`Lineage`: what a fine-tuned variant was trained from, on what and how far, and by how much it is better for it."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from compress.archive.paired_difference import PairedDifference
from compress.core import Latency

FINETUNED = "finetuned"
"""The fidelity of variants that were trained on after a search, to the end of a schedule of their own."""


@dataclass(frozen=True)
class Improvement:
    """By how much a variant is better than its parent on the same sequences; see `PairedDifference`.

    Attributes:
        data: The source of the sequences, and which of its splits.
        mean, se: Of the difference of average overlap, over the sequences.
        ao, parent_ao: Mean over sequences of both.
    """

    data: str
    mean: float
    se: float
    sequences: int
    ao: float
    parent_ao: float

    @property
    def difference(self) -> PairedDifference:
        """As neighbours on a front are compared."""
        return PairedDifference(self.mean, self.se, self.sequences)

    def problems(self) -> Iterator[str]:
        """Figures that no comparison gives."""
        for name, least in (("mean", -1.0), ("se", 0.0), ("ao", 0.0), ("parent_ao", 0.0)):
            if not least <= getattr(self, name) <= 1:
                yield f"{name} must be from {least:g} to 1 but is {getattr(self, name)}"
        if self.sequences < 1:
            yield f"sequences must be at least 1 but is {self.sequences}"


@dataclass(frozen=True)
class Lineage:
    """Where a fine-tuned variant comes from.

    Attributes:
        parent: The variant whose weights it started from, itself perhaps a fine-tuned one.
        key: Fingerprint of all that its weights depend on: the parent's weights, teacher, data, recipe, steps, seed.
        steps: Of this training, beyond what its parent had.
        recipe: Name of the recipe.
        train_data, train_fingerprint: The source that it was trained on, and what was in it.
        teacher_weights: Fingerprint of the weights that it was distilled from.
        evaluation: Against its parent on what the search scores on at full fidelity.
        validation: Likewise on sequences that neither the search nor the training has seen, where there are some.
        beside: Latencies of teacher and parent, timed in the same session as this variant; empty where nothing was.
        seconds: What the training took, as far as one process has seen it.
        seen: Pairs of the stream that it and its parents were trained on, or left out; 0 where that is not noted.
    """

    parent: str
    key: str
    steps: int
    recipe: str
    seed: int
    train_data: str
    train_fingerprint: str
    teacher_weights: str
    evaluation: Improvement | None = None
    validation: Improvement | None = None
    beside: Mapping[str, Latency] = field(default_factory=dict)
    seconds: float = 0.0
    seen: int = 0

    def problems(self) -> Iterator[str]:
        """Figures that no training has."""
        for name in ("steps", "seed", "seconds", "seen"):
            value = getattr(self, name)
            if not (math.isfinite(value) and value >= 0):
                yield f"{name} must be a number ≥ 0 but is {value}"
