"""The difference of two trackers over the same sequences, with its standard error."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from compress.core import UsageError

_SURE = 2.0
"""Standard errors that a difference must exceed to count as one; about 95% of those that come of chance do not."""


class PairedDifference(NamedTuple):
    """By how much one tracker's average overlap exceeds another's, as the mean over sequences.

    Attributes:
        mean: Above 0 where the first is better.
        se: Its standard error, by resampling the sequences. What makes a sequence hard for both cancels out, so it is
            smaller than either tracker's own.
        sequences: How many both were scored on.
    """

    mean: float
    se: float
    sequences: int

    @property
    def within_noise(self) -> bool:
        """Whether it may have come of the choice of sequences alone: at most twice its standard error."""
        return abs(self.mean) <= _SURE * self.se

    def __str__(self) -> str:
        """`+0.013 ± 0.006`."""
        return f"{self.mean:+.3f} ± {self.se:.3f}"


def paired_difference(a: Sequence[float], b: Sequence[float]) -> PairedDifference:
    """The difference a − b of what two trackers reached on each of the same sequences, in the same order.

    Raises:
        UsageError: there is no sequence, or one has more than the other.
    """
    if len(a) != len(b) or not len(a):
        raise UsageError(
            f"A paired difference needs the same sequences of both trackers, but one has {len(a)} and the other "
            f"{len(b)}. Evaluate both on the same data."
        )
    each = np.asarray(a, dtype=np.float64) - np.asarray(b, dtype=np.float64)
    return PairedDifference(float(each.mean()), bootstrap_error(each), len(each))


def bootstrap_error(values: ArrayLike, *, resamples: int = 1000, seed: int = 0) -> float:
    """Standard error of the mean of `values`, by resampling them; 0 for a single value."""
    v = np.asarray(values, dtype=np.float64)
    if len(v) < 2:
        return 0.0
    drawn = np.random.default_rng(seed).integers(0, len(v), (resamples, len(v)))
    return float(v[drawn].mean(axis=1).std(ddof=1))
