"""Forcing the way a frame takes through an adaptive tracker."""

from __future__ import annotations

from dataclasses import dataclass

from compress.core import TrackerSpec, UsageError


@dataclass(frozen=True)
class Route:
    """A way through an adaptive tracker, for measuring and testing it way by way.

    The decisions are still computed, as they are part of what a way costs, but what they say is not followed.

    Attributes:
        skipped: Indices of the layers to skip, no others being skipped; None leaves every layer to its decision.
        exit: Index of the exit to take; None leaves it to the scores.
    """

    skipped: frozenset[int] | None = None
    exit: int | None = None

    def check(self, spec: TrackerSpec) -> None:
        """Raise UsageError unless a tracker of `spec` has this way."""
        if not (self.skipped or frozenset()) <= set(spec.skippable):
            wanted = f"layers {spec.skippable[0]} to {spec.skippable[-1]}" if spec.skippable else "no layers"
            raise UsageError(f"This tracker can skip {wanted}, but the route skips {sorted(self.skipped or ())}.")
        if self.exit is not None and not 0 <= self.exit < len(spec.exits):
            raise UsageError(
                f"This tracker has {len(spec.exits)} exits, counted from 0, but the route takes {self.exit}."
            )
