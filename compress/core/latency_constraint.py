"""`LatencyConstraint`: the speed that a search has to keep, and the check of one tracker against it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

from compress.core.errors import UsageError
from compress.core.ranges import FPS, SPEEDUP
from compress.core.records import LATENCY_FIGURES, Latency

_MARGIN = 0.95
"""Of the bound: predicted latencies, and execution paths on other sequences, are off by some per cent."""

_MOST_NOISE = 0.25
"""The most that is allowed for a machine that was not steady; beyond it a bound would mean nothing."""


@dataclass(frozen=True)
class LatencyConstraint:
    """An upper bound on one figure of a tracker's latency.

    Attributes:
        max_ms: Milliseconds per frame that a tracker may take; None leaves it unbound.
        given: How the user gave it: `{"fps": 60.0}`, `{"speedup": 2.0}`, or nothing.
        at: The figure that is bound, one of `LATENCY_FIGURES`.

    Raises:
        UsageError: a bound that is no positive number, or a figure that there is not.
    """

    max_ms: float | None
    given: Mapping[str, float] = field(default_factory=dict)
    at: str = "mean"

    def __post_init__(self) -> None:
        if self.at not in LATENCY_FIGURES:
            raise UsageError(f"--fps-at must be one of {', '.join(LATENCY_FIGURES)} but is {self.at!r}.")
        if self.max_ms is not None and not (math.isfinite(self.max_ms) and self.max_ms > 0):
            raise UsageError(f"The latency bound must be a positive number of milliseconds but is {self.max_ms}.")

    @classmethod
    def of(
        cls, *, fps: float | None = None, speedup: float | None = None, at: str = "mean", teacher: Latency | None = None
    ) -> LatencyConstraint:
        """The constraint that settings ask for; unbound where neither `fps` nor `speedup` is given.

        Args:
            fps: Frames per second to reach.
            speedup: Times the speed of the teacher, at the same figure.
            at: The figure that is bound, one of `LATENCY_FIGURES`.
            teacher: Latency of the teacher on the target, which `speedup` needs; without it nothing is bound.

        Raises:
            UsageError: both are given, or one is outside of its range.
        """
        given = {name: value for name, value in (("speedup", speedup), ("fps", fps)) if value is not None}
        if len(given) > 1:
            raise UsageError("Give the speed to reach by one of --fps N and --speedup X, not by both.")
        for name, value in given.items():
            (FPS if name == "fps" else SPEEDUP).check(f"--{name}", value)
        given = {name: float(value) for name, value in given.items()}
        if fps is not None:
            return cls(1000.0 / fps, given, at)
        if speedup is not None and teacher is not None:
            return cls(cls(None, at=at).value(teacher) / speedup, given, at)
        return cls(None, given, at)

    def value(self, latency: Latency) -> float:
        """The figure of `latency` that is bound, in milliseconds."""
        return latency.at(self.at)

    def check(self, latency: Latency, *, optimistic: bool = False) -> ConstraintCheck:
        """Compare a latency with the bound.

        Args:
            latency: Measured or predicted, on the target of the search.
            optimistic: The tracker is adaptive and its execution paths are not counted yet, so that its mean and
                percentiles are lower bounds. Its worst path is known all the same.
        """
        return ConstraintCheck(latency, self, optimistic and self.at != "worst")

    def met_by(self, latency: Latency | None) -> bool:
        """Whether a latency is known and within the bound."""
        return latency is not None and self.check(latency).passes

    def met_at_worst(self, latency: Latency | None) -> bool | None:
        """Whether the slowest path of an adaptive tracker is within the bound too; None for others, or unbound."""
        if self.max_ms is None or latency is None or latency.worst_ms is None:
            return None
        return latency.worst_ms <= self.max_ms

    def aim_ms(self, noise: float = 0.0) -> float | None:
        """Mean latency that exit thresholds are chosen for: the bound less a margin; None where no mean is bound.

        Args:
            noise: Of the predictions that they are chosen by, see `Latency`; the margin is wider by as much.
        """
        if self.at != "mean" or self.max_ms is None:
            return None
        return (_MARGIN - min(noise, _MOST_NOISE)) * self.max_ms


@dataclass(frozen=True)
class ConstraintCheck:
    """A latency compared with the constraint of a search.

    Attributes:
        optimistic: The figure compared is a lower bound, see `LatencyConstraint.check`.
    """

    latency: Latency
    constraint: LatencyConstraint
    optimistic: bool = False

    @property
    def over_ms(self) -> float:
        """By how many milliseconds the bound is missed; negative where it is kept."""
        bound = self.constraint.max_ms
        return -math.inf if bound is None else self.constraint.value(self.latency) - bound

    @property
    def passes(self) -> bool:
        """Whether the latency is within the bound; or, predicted from noisy times, over it by no more than their noise.

        What was predicted is measured once it is trained, so that in doubt it is trained.
        """
        noise = 0.0 if self.latency.provenance == "measured" else min(self.latency.noise, _MOST_NOISE)
        return self.over_ms <= noise * (self.constraint.max_ms or 0.0)

    @property
    def reason(self) -> str:
        """One line for the archive: `predicted 21 ms, over the bound of 20 ms`."""
        bound, at = self.constraint.max_ms, self.constraint.at
        figure = "" if at == "mean" else f" ({at})"
        at_best = " at best" if self.optimistic else ""
        found = f"{self.latency.provenance} {self.latency.at(at):.3g} ms{figure}{at_best}"
        return found if bound is None else f"{found}, {'within' if self.passes else 'over'} the bound of {bound:.3g} ms"
