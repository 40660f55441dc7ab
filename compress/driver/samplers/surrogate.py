"""What is expected of students that were not trained: a regression on those that were, and what one would add.

The latency of a student is known before it is trained, so that only its accuracy is uncertain. What it is expected to
add to the hypervolume then has a closed form: the front as a staircase, each step as wide as the latencies that it
spans, and the expected improvement over each step's accuracy.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import cho_solve, cholesky, solve_triangular
from scipy.special import ndtr

Array = NDArray[np.float64]

_LENGTHS, _BUMPS, _NOISES = (0.5, 1.0, 2.0), (0.1, 0.5), (0.02, 0.1, 0.4)
"""Length of the smooth part over the root of the number of features; its variance, and that of noise, over the linear
part's. The most likely combination is taken."""


@dataclass(frozen=True)
class Regression:
    """A Gaussian process with a linear and a smooth part, fitted to some accuracies.

    Attributes:
        features: (n, f), standardised.
        scale: Mean and standard deviation of the accuracies.
        spans: Mean and standard deviation of the features, (f,) each.
    """

    features: Array
    weights: Array
    factor: Array
    scale: tuple[float, float]
    spans: tuple[Array, Array]
    length: float
    bump: float

    def predict(self, features: Array) -> tuple[Array, Array]:
        """Mean and standard deviation, without noise, of the accuracy of students with these features (m, f)."""
        new = (features - self.spans[0]) / self.spans[1]
        across = _kernel(new, self.features, self.length, self.bump)
        half = solve_triangular(self.factor, across.T, lower=True)
        own = 1.0 + (new**2).mean(axis=1) + self.bump
        deviation = np.sqrt(np.maximum(1e-9, own - (half**2).sum(axis=0)))
        return self.scale[0] + self.scale[1] * (across @ self.weights), self.scale[1] * deviation


def fit(features: Array, accuracies: Array) -> Regression:
    """The regression of (n,) accuracies on (n, f) features, n ≥ 1."""
    spans = features.mean(axis=0), np.maximum(features.std(axis=0), 1e-9)
    scale = float(accuracies.mean()), max(float(accuracies.std()), 1e-3)
    x, y = (features - spans[0]) / spans[1], (accuracies - scale[0]) / scale[1]
    best, found = -np.inf, None
    for length, bump, noise in product(_LENGTHS, _BUMPS, _NOISES):
        kernel = _kernel(x, x, length, bump) + noise * np.eye(len(x))
        factor = cholesky(kernel, lower=True)
        weights = cho_solve((factor, True), y)
        likelihood = -0.5 * float(y @ weights) - float(np.log(np.diag(factor)).sum())
        if likelihood > best:
            best, found = likelihood, Regression(x, weights, factor, scale, spans, length, bump)
    assert found is not None
    return found


def expected_gain(ms: Array, mean: Array, deviation: Array, front: Array, bound_ms: float) -> Array:
    """By how much each student is expected to raise the hypervolume, in milliseconds times accuracy.

    Args:
        ms, mean, deviation: (n,) of the students: latency, and what is expected of their accuracy.
        front: (m, 2) latencies and accuracies that there are; dominated ones do no harm.
        bound_ms: The reference point's latency; its accuracy is 0.
    """
    edges, heights = _staircase(front, bound_ms)
    widths = np.clip(edges[None, 1:] - np.maximum(edges[None, :-1], ms[:, None]), 0.0, None)
    over = (mean[:, None] - heights) / deviation[:, None]
    gain = deviation[:, None] * (over * ndtr(over) + np.exp(-0.5 * over**2) / np.sqrt(2 * np.pi))
    return np.asarray((widths * gain).sum(axis=1))


def _staircase(front: Array, bound_ms: float) -> tuple[Array, Array]:
    """Edges (k + 1,) of the steps from 0 to the bound, and the best accuracy within each one's latency (k,)."""
    within = front[front[:, 0] < bound_ms] if len(front) else np.zeros((0, 2))
    within = within[np.argsort(within[:, 0], kind="stable")]
    edges = np.concatenate([[0.0], within[:, 0], [bound_ms]])
    heights = np.concatenate([[0.0], np.maximum.accumulate(within[:, 1]) if len(within) else np.zeros(0)])
    return edges, heights


def _kernel(a: Array, b: Array, length: float, bump: float) -> Array:
    """(n, m): a constant, a linear part, and a smooth part of variance `bump`."""
    apart = (a**2).sum(axis=1)[:, None] + (b**2).sum(axis=1)[None] - 2 * a @ b.T
    smooth = np.exp(-np.maximum(apart, 0.0) / (2 * length**2 * a.shape[1]))
    return np.asarray(1.0 + a @ b.T / a.shape[1] + bump * smooth)
