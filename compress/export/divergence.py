"""Where two forms of one adaptive tracker part."""

from __future__ import annotations

from typing import NamedTuple

from compress.core import TrackerSpec
from compress.core.stages import stages
from compress.geometry import Answer
from compress.runtime import Thresholds


class Parting(NamedTuple):
    """The first decision on which two answers about one frame differ.

    Attributes:
        kind: `bypass` or `scores`.
        value, other: What decided, in the first and in the second.
        threshold: What both were held against.
    """

    kind: str
    value: float
    other: float
    threshold: float


def parting(spec: TrackerSpec, first: Answer, second: Answer) -> Parting | None:
    """Where the ways of two answers part, both being decided at the thresholds of `spec`; None if they do not."""
    thresholds = Thresholds.of(spec)
    for stage in stages(spec):
        if stage.gated and _skips(first, stage.first) != _skips(second, stage.first):
            assert thresholds.rho is not None
            return _parting("bypass", first, second, stage.first - spec.skippable.start, thresholds.rho)
        if stage.exit is not None and _leaves(first, stage.exit) != _leaves(second, stage.exit):
            return _parting("scores", first, second, stage.exit, thresholds.taus[stage.exit])
    return None


def _parting(kind: str, first: Answer, second: Answer, place: int, threshold: float) -> Parting:
    value, other = (float(getattr(each, kind)[place]) for each in (first, second))
    return Parting(kind, value, other, threshold)


def _skips(answer: Answer, layer: int) -> bool:
    return answer.path is not None and layer in (answer.path.skipped or ())


def _leaves(answer: Answer, exit: int) -> bool:
    return answer.path is not None and answer.path.exit == exit
