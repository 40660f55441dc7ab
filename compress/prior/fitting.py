"""Fits the loss of accuracy: a rate for each knob, drawn toward a common one, and the interval."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from compress.core import Registry
from compress.prior.ablations import Pair, pairs
from compress.prior.knob_changes import CHANGES

_Array = NDArray[np.float64]

PULL = 3.0
"""How strongly each knob's rate is drawn toward the common one, in rows with a change of one unit.

Errors with a paper left out hardly depend on it (1.5 points at best, 1.6 without it and with one rate for all), so a
knob of which one paper has but a row may lean on the others.
"""


@dataclass(frozen=True)
class RetentionModel:
    """ln retention = −Σ rate · change, in an interval of ± (spread + growth · that sum), cut off at `best`.

    Attributes:
        rates: ln accuracy lost per unit of each of `CHANGES`; none below 0.
        common: What the rates are drawn toward; the rate of a knob that no row of the table changes.
        spread: Half-width where nothing changed but the training: the widest difference between rows of one setting.
        growth: What the half-width gains per unit of loss, so that every left-out row lies inside.
        best: ln of the highest retention published; nothing higher is taken to be possible.
    """

    rates: tuple[float, ...]
    common: float
    spread: float
    growth: float
    best: float

    def loss(self, change: Sequence[float]) -> float:
        """−ln of the mean retention; 0 is no loss."""
        return math.fsum(rate * value for rate, value in zip(self.rates, change, strict=True))

    def half_width(self, loss: float) -> float:
        """Of the interval of ln retention."""
        return self.spread + self.growth * loss

    def bounds(self, loss: float, stretch: float = 1.0) -> tuple[float, float]:
        """The interval of ln retention; `stretch` widens it."""
        width = stretch * self.half_width(loss)
        return -loss - width, min(self.best, width - loss)


@dataclass(frozen=True)
class BackbonePrior:
    """How well the accuracy of a backbone's students is known.

    Attributes:
        fitted: Whether what is published of it are ablations that the rates are fitted to.
        widening: How many times as wide as fitted the intervals of its students are.
    """

    fitted: bool
    widening: Callable[[], float]


PRIORS: Registry[BackbonePrior] = Registry("prior of a backbone")


@cache
def retention_model() -> RetentionModel:
    """Fitted to the shipped table, on first use."""
    return fit_model(fitted_pairs())


def fitted_pairs() -> tuple[Pair, ...]:
    """What is fitted to: published ablations of the backbones that have any."""
    return tuple(pair for pair in pairs() if PRIORS[pair.teacher.spec.backbone].fitted)


@cache
def levit_stretch() -> float:
    """How much wider intervals of LeViT students are: enough to hold HiT-Tiny against HiT-Small."""
    fitted = retention_model()
    losses = [(fitted.loss(pair.changes), pair) for pair in pairs() if pair.teacher.spec.stages]
    return max(abs(pair.log_retention + loss) / fitted.half_width(loss) for loss, pair in losses)


PRIORS.register("vit", BackbonePrior(fitted=True, widening=lambda: 1.0))
# Of LeViT only two separate networks are published, no ablation.
PRIORS.register("levit", BackbonePrior(fitted=False, widening=levit_stretch))


def fit_model(table: Sequence[Pair]) -> RetentionModel:
    """Fit rates to `table`, then widen the interval until it holds every row of it as predicted without that row, and
    without its paper.
    """
    change, kept, weight = _arrays(table)
    rates, common = _rates(change, kept, weight)
    spread = float(np.abs(kept[~change.any(axis=1)]).max(initial=0.0))
    groupings: tuple[Callable[[Pair], str], ...] = (lambda pair: pair.student.paper, lambda pair: pair.student.key)
    losses = np.concatenate([left_out_losses(table, of) for of in groupings])
    beyond = np.abs(np.tile(kept, len(groupings)) + losses) - spread
    growth = float((beyond[losses > 0] / losses[losses > 0]).max(initial=0.0))
    return RetentionModel(tuple(map(float, rates)), common, spread, growth, max(0.0, float(kept.max())))


def left_out_losses(table: Sequence[Pair], group: Callable[[Pair], str]) -> _Array:
    """The loss of every row, predicted from rates fitted without the rows of its group."""
    change, kept, weight = _arrays(table)
    groups = np.array([group(pair) for pair in table])
    losses = np.zeros(len(table))
    for name in np.unique(groups):
        inside = groups == name
        if not inside.all():
            rates, _ = _rates(change[~inside], kept[~inside], weight[~inside])
            losses[inside] = change[inside] @ rates
    return losses


def _arrays(table: Sequence[Pair]) -> tuple[_Array, _Array, _Array]:
    """Changes (N, 7), ln retention (N,) and weights (N,): several trainings of one setting weigh as one."""
    change = [pair.changes for pair in table]
    settings = [(pair.teacher.key, values) for pair, values in zip(table, change, strict=True)]
    count = Counter(settings)
    weight = [1 / count[setting] for setting in settings]
    return np.array(change), np.array([pair.log_retention for pair in table]), np.array(weight)


def _rates(change: _Array, kept: _Array, weight: _Array) -> tuple[_Array, float]:
    """Weighted least squares for −ln retention, each rate drawn toward a common one, none below 0."""
    rates, below = np.zeros(len(CHANGES)), set[int]()
    while True:
        free = [i for i in range(len(CHANGES)) if i not in below]
        rates[:], common = 0.0, 0.0
        if free:
            rates[free], common = _least_squares(change[:, free], kept, weight)
        negative = {i for i in free if rates[i] < 0}
        if not negative:
            return rates, common
        below |= negative


def _least_squares(change: _Array, kept: _Array, weight: _Array) -> tuple[_Array, float]:
    knobs = change.shape[1]
    root = np.sqrt(weight)
    rows = np.column_stack([change.sum(axis=1), change]) * root[:, None]
    pull = np.column_stack([np.zeros(knobs), np.eye(knobs)]) * math.sqrt(PULL)
    wanted = np.concatenate([-kept * root, np.zeros(knobs)])
    common, *apart = np.linalg.lstsq(np.vstack([rows, pull]), wanted, rcond=None)[0]
    return common + np.array(apart), float(common)


def rate_ranges() -> dict[str, tuple[float, float, float]]:
    """Each rate with its least and its greatest value when a paper is left out."""
    table = fitted_pairs()
    papers = sorted({pair.student.paper for pair in table})
    fits = [_rates(*_arrays(without(table, paper)))[0] for paper in papers]
    return {
        name: (rate, float(min(f[i] for f in fits)), float(max(f[i] for f in fits)))
        for i, (name, rate) in enumerate(zip(CHANGES, retention_model().rates, strict=True))
    }


def without(table: Sequence[Pair], paper: str) -> list[Pair]:
    """The rows of all other papers."""
    return [pair for pair in table if pair.student.paper != paper]
