"""Components read off stacks, calibrated on whole trackers of other shapes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import nnls

from compress.core import TrackerSpec
from compress.latency import Profile, ValidationResult, network_p10_ms

Array: TypeAlias = NDArray[np.float64]

_RIDGE = 0.44
"""(2% / 3%)²: by how much a tracker's two sessions differ, and by how much a component read off stacks may be wrong."""


def calibrated(raw: Profile, validation: Mapping[str, TrackerSpec], measured: Sequence[float]) -> Profile:
    """`raw` with components that fit the validation set, each tracker of which is also predicted from the others.

    Args:
        measured: 10th percentiles of the frame loop around each of `validation`, in ms.
    """
    shares, network = _shares(raw, validation.values()), np.array(measured) - raw.loop_ms
    overhead_ms = np.array([each.ms for each in raw.overhead])
    rows = []
    for i, (name, measured_ms) in enumerate(zip(validation, measured, strict=True)):
        others = np.arange(len(validation)) != i
        factors = _factors(shares[others], network[others], overhead_ms)
        predicted_ms = float(shares[i] @ factors) + raw.loop_ms
        rows.append(ValidationResult(spec=name, predicted_ms=predicted_ms, measured_ms=measured_ms))
    return replace(
        _with_component_ms(raw, _component_ms(raw) * _factors(shares, network, overhead_ms)), validation=tuple(rows)
    )


def _factors(shares: Array, network: Array, overhead_ms: Array) -> Array:
    """What each component is to be multiplied by, for the least squared relative error.

    One scale and one cost of every frame for all: a layer costs less in a shallow tracker, whose weights stay in the
    cache, than stacks suggest. And for each component a little of its own, by ridge regression: a stack is timed in one
    session, and where its memory came to lie costs or saves some per cent.

    Args:
        shares: What each component costs in each tracker, in ms: (trackers, components).
        network: What each tracker took: (trackers,).
        overhead_ms: The first components, of which each tracker has one.
    """
    relative = shares / network[:, None]
    common = np.stack([relative.sum(axis=1), 1 / network], axis=1)
    spread = relative @ relative.T + _RIDGE * np.eye(len(relative))
    white = np.linalg.inv(np.linalg.cholesky(spread))
    (scale, more), _ = nnls(white @ common, white.sum(axis=1))
    factors = scale + relative.T @ np.linalg.solve(spread, 1 - common @ [scale, more])
    factors[: len(overhead_ms)] += more / overhead_ms
    return np.asarray(factors)


def _shares(profile: Profile, specs: Iterable[TrackerSpec]) -> Array:
    """(trackers, components) in ms; a network's time is the sum of its components."""
    ms = _component_ms(profile)
    alone = [_with_component_ms(profile, row) for row in np.diag(ms)]
    return np.array([[network_p10_ms(each, spec) for each in alone] for spec in specs])


def _component_ms(profile: Profile) -> Array:
    """Milliseconds of everything that a profile has costs for."""
    elimination = [] if profile.elimination_ms is None else [profile.elimination_ms]
    return np.array([each.ms for each in profile.overhead] + [each.ms for each in profile.blocks] + elimination)


def _with_component_ms(profile: Profile, values: Array) -> Profile:
    """The profile with other costs, in the order of `_component_ms`."""
    ms = iter(values.tolist())
    return replace(
        profile,
        overhead=tuple(replace(each, ms=next(ms)) for each in profile.overhead),
        blocks=tuple(replace(each, ms=next(ms)) for each in profile.blocks),
        elimination_ms=None if profile.elimination_ms is None else next(ms),
    )
