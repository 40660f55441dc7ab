"""A profile's costs as a vector, and the share that each has in a tracker's time: what both fits work on."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import lsq_linear, nnls

from compress.core import TrackerSpec
from compress.latency import Profile, network_p10_ms

Array: TypeAlias = NDArray[np.float64]


def component_ms(profile: Profile) -> Array:
    """Milliseconds of everything that a profile has costs for: overhead, blocks, elimination."""
    elimination = [] if profile.elimination_ms is None else [profile.elimination_ms]
    return np.array([each.ms for each in profile.overhead] + [each.ms for each in profile.blocks] + elimination)


def with_component_ms(profile: Profile, values: Array) -> Profile:
    """The profile with other costs, in the order of `component_ms`."""
    ms = iter(values.tolist())
    return replace(
        profile,
        overhead=tuple(replace(each, ms=next(ms)) for each in profile.overhead),
        blocks=tuple(replace(each, ms=next(ms)) for each in profile.blocks),
        elimination_ms=None if profile.elimination_ms is None else next(ms),
    )


def shares(profile: Profile, specs: Iterable[TrackerSpec], ms: Array | None = None) -> Array:
    """What each component contributes to each network, (trackers, components) in ms; a network's time is the sum.

    Args:
        ms: Costs of the components; by default the profile's own. Ones give the number of times that each is paid.
    """
    alone = [with_component_ms(profile, row) for row in np.diag(component_ms(profile) if ms is None else ms)]
    return np.array([[network_p10_ms(each, spec) for each in alone] for spec in specs])


def bounded_least_squares(a: Array, b: Array, least: Array) -> Array:
    """The x that minimises |a x − b|² with every x at least `least`: (rows, n), (rows,), (n,) → (n,)."""
    try:
        above, _ = nnls(a, b - a @ least)
    except RuntimeError:  # it did not converge within its number of steps
        above = lsq_linear(a, b - a @ least, bounds=(0, np.inf)).x
    return np.asarray(least + above)
