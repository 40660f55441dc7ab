"""`Thresholds` of decisions: ρ of bypass and the τ of the exits."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from compress.core import AnySpec, ExecutionPath, TrackerSpec, UsageError
from compress.geometry import NetworkOutput

_NEVER, _ALWAYS = 2.0, -1.0  # probabilities and scores lie between


@dataclass(frozen=True)
class Thresholds:
    """Compared in single precision, as PyTorch compares them.

    Attributes:
        rho: A layer is skipped where its probability is above; None without bypass.
        taus: Of all exits but the last, which is always taken; an exit is taken where its score is above.
    """

    rho: float | None
    taus: tuple[float, ...]

    @classmethod
    def of(cls, spec: AnySpec) -> Thresholds:
        """Those of a spec; a cascade's is that of the first of its two exits."""
        rho = None if spec.bypass is None else spec.bypass.rho
        return cls(rho, tuple(each.tau for each in spec.exits[:-1]))

    @classmethod
    def forcing(cls, spec: TrackerSpec, path: ExecutionPath) -> Thresholds:
        """Thresholds that send every frame along one path.

        Raises:
            UsageError: the tracker does not have that path, or it skips some, but not all layers that it may.
        """
        path.check(spec)
        skipped = {i for i in spec.skippable if i < path.end(spec)}
        if path.skipped not in (frozenset(), skipped):
            raise UsageError(f"Thresholds can skip no layer or all of {sorted(skipped)}, but not what {path} skips.")
        rho = _ALWAYS if path.skipped else _NEVER
        taus = tuple(_ALWAYS if k == path.exit else _NEVER for k in range(len(spec.exits) - 1))
        return cls(None if spec.bypass is None else rho, taus)

    def check(self, spec: TrackerSpec) -> None:
        """Raise UsageError unless these are the thresholds of a tracker of `spec` in kind and number."""
        early = max(0, len(spec.exits) - 1)
        if (self.rho is None) != (spec.bypass is None) or len(self.taus) != early:
            raise UsageError(
                f"This tracker needs {'a' if spec.bypass else 'no'} rho and {early} taus, one for each exit but the "
                f"last, but is given rho {self.rho} and taus {list(self.taus)}."
            )

    def skips(self, layer: int, probability: np.float32) -> bool:
        """Whether to skip a layer; one threshold holds for all."""
        return self.rho is not None and bool(probability > np.float32(self.rho))

    def leaves(self, exit: int, score: np.float32) -> bool:
        """Whether a frame leaves at an exit."""
        return exit >= len(self.taus) or bool(score > np.float32(self.taus[exit]))

    def feeds(self) -> dict[str, NDArray[np.float32]]:
        """As one graph takes them, by `signatures.threshold_names`."""
        named = {} if self.rho is None else {"rho": self.rho}
        named |= {f"tau{k}": tau for k, tau in enumerate(self.taus)}
        return {name: np.array([value], dtype=np.float32) for name, value in named.items()}

    def margin(self, answer: NetworkOutput) -> float:
        """How far the nearest of a frame's decisions was from being the opposite; infinite where none was taken."""
        distances = []
        if answer.bypass is not None and self.rho is not None:
            distances += np.abs(answer.bypass - self.rho).tolist()
        if answer.scores is not None:
            distances += np.abs(answer.scores[: len(self.taus)] - self.taus).tolist()
        return min((distance for distance in distances if not np.isnan(distance)), default=float("inf"))


def with_thresholds(spec: TrackerSpec, taus: Sequence[float]) -> TrackerSpec:
    """The same tracker, of the same weights, with other thresholds.

    Raises:
        UsageError: no early exits, as many thresholds as early exits are not given, or one outside of [0, 1].
    """
    check_exits(spec)
    if len(taus) != len(spec.exits) - 1:
        raise UsageError(
            f"There are {len(spec.exits) - 1} exits before the last, but {len(taus)} thresholds are given."
        )
    early = tuple(replace(each, tau=float(tau)) for each, tau in zip(spec.exits, taus, strict=False))
    return replace(spec, exits=(*early, spec.exits[-1]))


def check_exits(spec: TrackerSpec) -> None:
    """Raise UsageError for a tracker that has no threshold to choose."""
    if len(spec.exits) < 2:
        also = ", only bypass, whose ρ was trained for" if spec.bypass else ": it does the same for every frame"
        raise UsageError(
            f"This tracker has no early exits{also}, so there is no threshold to choose. Take a variant with exits."
        )
