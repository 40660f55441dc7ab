"""Fitting an estimated profile: least squares on the logarithm of time, coefficients not below zero."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import least_squares, nnls

from compress.core import TrackerSpec
from compress.latency.estimated.launches import PublishedRuntime
from compress.latency.estimated.profile import Coefficients, Scope
from compress.latency.estimated.work import expected_work, template_work

NAMES = ("launch_us", "ms_per_gmac", "call_ms", "loop_ms")
"""Coefficients, in the order of the columns below."""

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Sample:
    """A tracker with its published time; see `PublishedSpeed` for the fields."""

    spec: TrackerSpec
    runtime: PublishedRuntime
    ms: float
    scope: Scope
    every_frame: bool
    skipped: float = 0.0

    @property
    def row(self) -> list[float]:
        """What each coefficient is multiplied with."""
        work = expected_work(self.spec, self.runtime, skipped_share=self.skipped)
        if self.every_frame:
            work = work.plus(template_work(self.spec, self.runtime))
        return [work.launches / 1000, work.gmacs, 1.0, float(self.scope == "loop")]


def fit_coefficients(
    samples: Sequence[Sample], free: Sequence[str], fixed: Mapping[str, float] | None = None
) -> Coefficients:
    """Fit the coefficients named `free`; those of `fixed` stay as given, the others are 0.

    Raises:
        ValueError: fewer samples than coefficients.
    """
    return Coefficients(*map(float, _solve(_rows(samples), _times(samples), free, fixed or {})))


def relative_errors(samples: Sequence[Sample], costs: Coefficients) -> list[float]:
    """Time estimated over time published, less 1."""
    return list(_rows(samples) @ _values(costs) / _times(samples) - 1)


def left_out_errors(
    samples: Sequence[Sample], free: Sequence[str], fixed: Mapping[str, float] | None = None
) -> list[float]:
    """Each sample's error by coefficients fitted without it, and without any other figure of the same tracker."""
    rows, times, ids = _rows(samples), _times(samples), np.array([sample.spec.id for sample in samples])
    found = np.empty(len(samples))
    for each in dict.fromkeys(ids):
        out = ids == each
        costs = _solve(rows[~out], times[~out], free, fixed or {})
        found[out] = rows[out] @ costs / times[out] - 1
    return list(map(float, found))


def _solve(rows: Array, times: Array, free: Sequence[str], fixed: Mapping[str, float]) -> Array:
    if len(rows) < len(free):
        raise ValueError(f"{len(free)} coefficients cannot be fitted to {len(rows)} figures")
    columns = [NAMES.index(name) for name in free]
    costs = np.array([fixed.get(name, 0.0) for name in NAMES])
    # Relative errors first: a linear problem, and near enough to start from.
    start, _ = nnls(rows[:, columns] / times[:, None], 1 - rows @ costs / times)

    def residuals(x: Array) -> Array:
        costs[columns] = x
        return np.log(rows @ costs / times)

    costs[columns] = least_squares(residuals, start + 1e-6, bounds=(0, np.inf), xtol=1e-12, ftol=1e-12).x
    return costs


def _rows(samples: Sequence[Sample]) -> Array:
    return np.array([sample.row for sample in samples])


def _times(samples: Sequence[Sample]) -> Array:
    return np.array([sample.ms for sample in samples])


def _values(costs: Coefficients) -> Array:
    return np.array([getattr(costs, name) for name in NAMES])
