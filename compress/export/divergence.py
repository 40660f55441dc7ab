"""Where two forms of one adaptive tracker diverge."""

from __future__ import annotations

from typing import NamedTuple

from compress.core import TrackerSpec
from compress.core.stages import stages
from compress.geometry import NetworkOutput
from compress.runtime import Thresholds


class Divergence(NamedTuple):
    """The first decision on which two answers about one frame differ.

    Attributes:
        kind: `bypass` or `scores`.
        value, other: What decided, in the first and in the second.
        threshold: What both were compared with.
    """

    kind: str
    value: float
    other: float
    threshold: float


def divergence(spec: TrackerSpec, first: NetworkOutput, second: NetworkOutput) -> Divergence | None:
    """The first decision on which two answers differ at the thresholds of `spec`; None where they agree."""
    thresholds = Thresholds.of(spec)
    for stage in stages(spec):
        if stage.gated and _skips(first, stage.first) != _skips(second, stage.first):
            assert thresholds.rho is not None
            return _divergence("bypass", first, second, stage.first - spec.skippable.start, thresholds.rho)
        if stage.exit is not None and _leaves(first, stage.exit) != _leaves(second, stage.exit):
            return _divergence("scores", first, second, stage.exit, thresholds.taus[stage.exit])
    return None


def _divergence(kind: str, first: NetworkOutput, second: NetworkOutput, place: int, threshold: float) -> Divergence:
    value, other = (float(getattr(each, kind)[place]) for each in (first, second))
    return Divergence(kind, value, other, threshold)


def _skips(answer: NetworkOutput, layer: int) -> bool:
    return answer.path is not None and layer in (answer.path.skipped or ())


def _leaves(answer: NetworkOutput, exit: int) -> bool:
    return answer.path is not None and answer.path.exit == exit
