"""What stacks are made of and what they tell."""

from __future__ import annotations

from dataclasses import dataclass

from compress.latency import Block, Overhead


@dataclass(frozen=True)
class Depths:
    """Layers of the two stacks."""

    shallow: int
    deep: int

    def intercept(self, shallow_ms: float, deep_ms: float) -> float:
        """What a stack without layers would take."""
        return (shallow_ms * self.deep - deep_ms * self.shallow) / (self.deep - self.shallow)


@dataclass(frozen=True)
class Components:
    """Costs of a family's parts, as in `Profile`."""

    overhead: tuple[Overhead, ...]
    blocks: tuple[Block, ...]
    elimination_ms: float | None = None
