"""Components read off stacks, calibrated on whole trackers of other shapes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from compress.core import TrackerSpec
from compress.latency import Profile, ValidationResult
from compress.measure.calibration.component_costs import (
    Array,
    bounded_least_squares,
    component_ms,
    shares,
    with_component_ms,
)
from compress.measure.calibration.nonnegative import positive, possible

_RIDGE = 0.44
"""(2% / 3%)²: by how much a tracker's two sessions differ, and by how much a component read off stacks may be wrong."""

_LEAST = 0.05
"""No component is scaled below this: what whole trackers seem to say beyond it is noise."""


def calibrated(raw: Profile, validation: Mapping[str, TrackerSpec], measured: Sequence[float]) -> Profile:
    """`raw` with components that fit the validation set, each tracker of which is also predicted from the others.

    Args:
        measured: 10th percentiles of the frame loop around each of `validation`, in ms.
    """
    parts, network = shares(raw, validation.values()), positive(np.array(measured) - raw.loop_ms)
    overhead_ms = np.array([each.ms for each in raw.overhead])
    rows = []
    for i, (name, measured_ms) in enumerate(zip(validation, measured, strict=True)):
        others = np.arange(len(validation)) != i
        factors = _factors(parts[others], network[others], overhead_ms)
        predicted_ms = float(parts[i] @ factors) + raw.loop_ms
        rows.append(ValidationResult(spec=name, predicted_ms=predicted_ms, measured_ms=measured_ms))
    costs = component_ms(raw) * _factors(parts, network, overhead_ms)
    return replace(possible(with_component_ms(raw, costs)), validation=tuple(rows))


def _factors(parts: Array, network: Array, overhead_ms: Array) -> Array:
    """What each component is to be multiplied by, for the least squared relative error, with none below `_LEAST`.

    One scale and one cost of every frame for all: a layer costs less in a shallow tracker, whose weights stay in the
    cache, than stacks suggest. And for each component a little of its own, by ridge regression: a stack is timed in one
    session, and where its memory came to lie costs or saves some per cent.

    Args:
        parts: What each component costs in each tracker, in ms: (trackers, components).
        network: What each tracker took: (trackers,).
        overhead_ms: The first components, of which each tracker has one.
    """
    relative = parts / network[:, None]
    common = np.stack([relative.sum(axis=1), 1 / network], axis=1)
    spread = relative @ relative.T + _RIDGE * np.eye(len(relative))
    white = np.linalg.inv(np.linalg.cholesky(spread))
    scale, more = bounded_least_squares(white @ common, white.sum(axis=1), np.array([_LEAST, 0.0]))
    wanted = 1 - common @ [scale, more]
    factors = scale + relative.T @ np.linalg.solve(spread, wanted)
    if (factors < _LEAST).any():
        factors = _bounded_factors(relative, wanted + scale * relative.sum(axis=1), scale)
    factors[: len(overhead_ms)] += more / overhead_ms
    return np.asarray(factors)


def _bounded_factors(relative: Array, wanted: Array, scale: float) -> Array:
    """The ridge regression of `_factors` about `scale`, by a solver that takes bounds."""
    ridge = np.sqrt(_RIDGE) * np.eye(relative.shape[1])
    a = np.concatenate([relative, ridge])
    b = np.concatenate([wanted, scale * ridge.sum(axis=1)])
    return bounded_least_squares(a, b, np.full(relative.shape[1], _LEAST))
