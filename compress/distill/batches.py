"""`Batches`: where trainings take their batches of pairs from, and the teacher's answers to them."""

from __future__ import annotations

from collections.abc import Generator, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import torch
from torch import Tensor

from compress.core import TrackerSpec


@dataclass(frozen=True)
class Batch:
    """Pairs of one step and what the teacher answers, on the device.

    Attributes:
        teacher: Whose answers they are.
        template, search: (B, 3, S, S) crops as the network takes them.
        boxes: (B, 4) cx, cy, w, h in shares of the search crop.
        maps: What the teacher's head puts out, see `TrackerSpec.maps`; (B, …) float32, rounded to half precision.
        layers: Likewise its search tokens (B, tokens, dim) after some of its layers, see `Pool`.
        teacher_s: Seconds that asking it took just now; 0 for kept answers.
    """

    teacher: TrackerSpec
    template: Tensor
    search: Tensor
    boxes: Tensor
    maps: dict[str, Tensor]
    layers: dict[int, Tensor]
    teacher_s: float = 0.0


class FixedPairs(Protocol):
    """Pairs that stay the same, for what is observed or calibrated; see `Pool` for the shapes."""

    @property
    def template(self) -> Tensor: ...
    @property
    def search(self) -> Tensor: ...
    @property
    def boxes(self) -> Tensor: ...
    def __len__(self) -> int: ...


class Batches(Protocol):
    """What a student is distilled on: a `Pool`, or a `PairStream`."""

    @property
    def teacher(self) -> TrackerSpec:
        """Whose answers the batches hold."""
        ...

    @property
    def fixed(self) -> FixedPairs:
        """Pairs for what is observed or calibrated once, beside the training."""
        ...

    @property
    def about(self) -> Mapping[str, Any]:
        """What a training depends on, beside its seed, as plain data: only one on the same pairs is continued."""
        ...

    def after(self, steps: int) -> Batches:
        """What a training goes on with that follows on one of `steps`: new pairs, where there are always new ones."""
        ...

    def batches(self, start: int, *, count: int, seed: int, device: torch.device) -> Generator[Batch, None, None]:
        """Batches of `count` pairs from step `start` on, without end; the same ones whatever step that is.

        In a process group each process is given its share alone, see `Ranks.part`. Close the generator where it is no
        longer needed.

        Args:
            seed: Decides the pairs. Students of one seed see the same pairs at the same step.

        Raises:
            UsageError, FileError: of the source of the pairs; or the shares would not be equal.
            CompressError: a process that makes pairs failed.
        """
        ...
