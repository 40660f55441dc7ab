"""The front of what was estimated, and what lies nearest to it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from compress.core import LatencyConstraint
from compress.driver.planner.estimator import Candidate


def front_of(candidates: Sequence[Candidate], constraint: LatencyConstraint) -> list[Candidate]:
    """Candidates within the bound that no other one dominates in latency and accuracy, fastest first; no twins."""
    within = [each for each in distinct(candidates) if constraint.met_by(each.latency)]
    order, below = _staircase(within)
    return [within[i] for i in order if below[i] == 0]


def nearest_to_front(candidates: Sequence[Candidate], constraint: LatencyConstraint, count: int) -> list[Candidate]:
    """The front, the front of those that meet the bound on every frame, then those nearest below; at most `count`.

    No twins. A front of more than `count` is thinned evenly. Where nothing is within the bound: those nearest to it.
    """
    single = distinct(candidates)
    within = [each for each in single if constraint.met_by(each.latency)]
    if not within:
        return sorted(single, key=lambda each: constraint.value(each.latency))[:count]
    order, below = _staircase(within)
    front = [within[i] for i in order if below[i] == 0]
    if len(front) >= count:
        return evenly_spaced(front, count)
    others = sorted((int(i) for i in order if below[i] > 0), key=lambda i: below[i])
    always = front_of(within, replace(constraint, at="worst"))
    chosen = {each.spec: each for each in (*front, *always, *(within[i] for i in others))}
    return list(chosen.values())[:count]


def distinct(candidates: Sequence[Candidate]) -> list[Candidate]:
    """One of each set of twins, whose estimates are equal: that with the fastest worst path, else the first."""
    found: dict[tuple[float, float], Candidate] = {}
    for each in candidates:
        twin = found.setdefault(_figures(each), each)
        if each.latency.at("worst") < twin.latency.at("worst"):
            found[_figures(each)] = each
    return list(found.values())


def evenly_spaced(values: Sequence[Any], count: int) -> list[Any]:
    """At most `count` of `values`, evenly, the first and the last among them."""
    if len(values) <= count:
        return list(values)
    return [values[round(i * (len(values) - 1) / max(1, count - 1))] for i in range(count)]


def _figures(candidate: Candidate) -> tuple[float, float]:
    return round(candidate.latency.mean_ms, 9), round(candidate.prior.mean, 9)


def _staircase(candidates: Sequence[Candidate]) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.float64]]:
    """The order by latency, and how much accuracy each lies below the best that is as fast; 0 on the front."""
    ms = np.array([each.latency.mean_ms for each in candidates])
    accuracy = np.array([each.prior.mean for each in candidates])
    order = np.lexsort((-accuracy, ms))
    best = np.maximum.accumulate(accuracy[order])
    ahead = np.concatenate([[-np.inf], best[:-1]]) if len(best) else best
    below = np.empty_like(accuracy)
    # One that is slower and only as accurate is dominated too, without a difference in accuracy that would show it.
    below[order] = np.where(accuracy[order] > ahead, 0.0, np.maximum(best - accuracy[order], 1e-12))
    return order, below
