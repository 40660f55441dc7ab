"""`ExecutionPath`: which layers and which exit of an adaptive tracker a frame takes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Protocol

from compress.core.errors import UsageError

if TYPE_CHECKING:
    from compress.core.spec_fields import ExitSpec, LayerSpec


class WithPaths(Protocol):
    """What execution paths lead through: a `TrackerSpec`, or a `CascadeSpec`."""

    @property
    def layers(self) -> tuple[LayerSpec, ...]:
        """All that a frame may need."""
        ...

    @property
    def exits(self) -> tuple[ExitSpec, ...]:
        """Where a frame may stop; empty for one place behind the last layer."""
        ...

    @property
    def skippable(self) -> range:
        """Indices of the layers that may be skipped."""
        ...


@dataclass(frozen=True)
class ExecutionPath:
    """A path through an adaptive tracker, taken by a frame or forced on it.

    Attributes:
        skipped: Indices of the layers left out, no others being left out; empty without bypass. Layers behind the
            exit taken are not among them. None, on a path to force, leaves every layer to its decision.
        exit: Index of the exit taken; None without exits. None, on a path to force, leaves it to the scores.
    """

    skipped: frozenset[int] | None = None
    exit: int | None = None

    def check(self, spec: WithPaths) -> None:
        """Raise UsageError unless a tracker of `spec` has this path."""
        if not (self.skipped or frozenset()) <= set(spec.skippable):
            wanted = f"layers {spec.skippable[0]} to {spec.skippable[-1]}" if spec.skippable else "no layers"
            raise UsageError(f"This tracker can skip {wanted}, but the path skips {sorted(self.skipped or ())}.")
        if self.exit is not None and not 0 <= self.exit < len(spec.exits):
            raise UsageError(
                f"This tracker has {len(spec.exits)} exits, counted from 0, but the path takes {self.exit}."
            )

    def end(self, spec: WithPaths) -> int:
        """Layers in front of the exit taken, skipped ones included."""
        return len(spec.layers) if self.exit is None else spec.exits[self.exit].after

    def layers(self, spec: WithPaths) -> int:
        """How many layers are computed."""
        return sum(i not in (self.skipped or ()) for i in range(self.end(spec)))

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON types."""
        return {"skipped": None if self.skipped is None else sorted(self.skipped), "exit": self.exit}


def worst_path(spec: WithPaths) -> ExecutionPath:
    """Nothing skipped, and the last exit."""
    return ExecutionPath(frozenset(), len(spec.exits) - 1 if spec.exits else None)


def cheapest_path(spec: WithPaths) -> ExecutionPath:
    """Everything skipped that may be, and the first exit."""
    first = ExecutionPath(frozenset(), 0 if spec.exits else None)
    return replace(first, skipped=frozenset(i for i in spec.skippable if i < first.end(spec)))


def mean_layers(paths: Mapping[ExecutionPath, int], spec: WithPaths) -> float:
    """Layers computed per frame, over frames counted by the path they took; NaN for none."""
    frames = sum(paths.values())
    return sum(path.layers(spec) * count for path, count in paths.items()) / frames if frames else float("nan")


def exit_shares(paths: Mapping[ExecutionPath, int], spec: WithPaths) -> tuple[float, ...]:
    """The share of the frames that took each exit; none without exits or frames."""
    frames = sum(paths.values())
    taken = [sum(count for path, count in paths.items() if path.exit == k) for k in range(len(spec.exits))]
    return tuple(count / frames for count in taken) if frames else ()


def path_rows(paths: Mapping[ExecutionPath, int]) -> list[dict[str, Any]]:
    """Paths and their frames in plain JSON types, the most frequent first."""
    rows = [{**path.to_dict(), "frames": count} for path, count in paths.items()]
    return sorted(rows, key=lambda row: (-row["frames"], row["exit"] or 0, row["skipped"] or []))
