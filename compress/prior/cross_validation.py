"""How far the fit is off on rows it has not seen."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cache

from compress.prior.ablations import Pair
from compress.prior.fitting import RetentionModel, fit_model, fitted_pairs, left_out_losses, retention_model, without


@dataclass(frozen=True)
class LeftOut:
    """One row of the table, predicted without itself. Retentions are shares of the teacher's accuracy.

    Attributes:
        pair: The row and the one it is compared with.
        published: Retention in the paper.
        without_row: Predicted from all other rows; `without_paper`: from the other papers only.
        low, high: The shipped model's interval around `without_paper`.
        blind: Whether an interval that the other papers alone would have given holds the row.
    """

    pair: Pair
    published: float
    without_row: float
    without_paper: float
    low: float
    high: float
    blind: bool

    @property
    def error(self) -> float:
        """Published less predicted retention, without the paper."""
        return self.published - self.without_paper

    @property
    def row_error(self) -> float:
        """Published less predicted retention, without the row."""
        return self.published - self.without_row

    @property
    def inside(self) -> bool:
        """Whether the row lies in the interval."""
        return self.low <= self.published <= self.high


@cache
def leave_one_out() -> tuple[LeftOut, ...]:
    """Every row the model is fitted to, predicted without its paper and without itself."""
    table = fitted_pairs()
    papers = sorted({pair.student.paper for pair in table})
    others = {paper: fit_model(without(table, paper)) for paper in papers}
    row_losses = left_out_losses(table, lambda pair: pair.student.key)
    return tuple(
        _left_out(pair, float(row_loss), others[pair.student.paper])
        for pair, row_loss in zip(table, row_losses, strict=True)
    )


def _left_out(pair: Pair, row_loss: float, others: RetentionModel) -> LeftOut:
    loss = others.loss(pair.changes)
    low, high = retention_model().bounds(loss)
    blind_low, blind_high = others.bounds(loss)
    return LeftOut(
        pair=pair,
        published=math.exp(pair.log_retention),
        without_row=math.exp(-row_loss),
        without_paper=math.exp(-loss),
        low=math.exp(low),
        high=math.exp(high),
        blind=blind_low <= pair.log_retention <= blind_high,
    )
