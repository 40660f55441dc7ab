"""Costs that cannot be below zero, for a machine so noisy that differences between stacks come out negative."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from compress.core import TrackerSpec
from compress.latency import Profile
from compress.measure.calibration.component_costs import (
    Array,
    bounded_least_squares,
    component_ms,
    shares,
    with_component_ms,
)

_LEAST = 1e-3
"""No component costs less than this share of a median network: one that is free would always be chosen."""

_LEAST_MS = 1e-3
"""No network takes less than a microsecond."""

_PRIOR = 0.05
"""Weight of what was read off, relative to the stacks' times: it decides where no stack shows a component apart."""

_SLACK = 0.99
"""Costs that are raised are raised a little further than they must be, so that rounding in a file changes nothing."""


def is_possible(profile: Profile) -> bool:
    """Whether every component costs something and no layer costs less than nothing."""
    found = component_ms(profile)
    return bool(np.isfinite(found).all()) and _is_positive(profile) and not profile.least_block_ms()


def nonnegative(read: Profile, stacks: Sequence[TrackerSpec], network_ms: Sequence[float]) -> Profile:
    """The costs read off stacks where all are possible; else the least squares fit to the stacks without negative ones.

    Args:
        read: Costs as differences of stacks' times, which noise can make negative.
        stacks: The trackers that they were read off.
        network_ms: 10th percentiles of these, the loop's taken off.
    """
    if is_possible(read):
        return read
    return possible(with_component_ms(read, _fitted(read, stacks, positive(network_ms))))


def possible(profile: Profile) -> Profile:
    """The profile with every block raised that would make some layer cost less than nothing; often unchanged."""
    raised = profile.least_block_ms(slack=_SLACK) if profile.least_block_ms() else {}
    blocks = tuple(replace(each, ms=raised.get(i, each.ms)) for i, each in enumerate(profile.blocks))
    return replace(profile, blocks=blocks) if raised else profile


def positive(ms: Sequence[float] | Array) -> Array:
    """Times of networks of which the loop's was taken off: noise cannot make them nothing, or less."""
    found = np.asarray(ms, dtype=float)
    return np.maximum(found, max(_LEAST * float(np.abs(found).max()), _LEAST_MS))


def _fitted(read: Profile, stacks: Sequence[TrackerSpec], network_ms: Array) -> Array:
    """Least squares of relative errors, with what was read off as a weak prior."""
    paid = shares(read, stacks, np.ones(len(component_ms(read))))
    least = np.full(paid.shape[1], _LEAST * float(np.median(network_ms)))
    typical = float(np.median(network_ms / np.maximum(paid.sum(axis=1), 1)))
    prior = np.maximum(np.nan_to_num(_prior(read), posinf=0, neginf=0), least)
    weight = _PRIOR / np.maximum(prior, typical)
    a = np.concatenate([paid / network_ms[:, None], np.diag(weight)])
    return bounded_least_squares(a, np.concatenate([np.ones(len(network_ms)), weight * prior]), least)


def _prior(read: Profile) -> Array:
    """What was read off; of a reduced block that came out negative, the cost of the same one with nothing reduced."""
    whole = {
        (block.attention, block.stage, block.tokens, block.template, block.mlp_hidden): block.ms
        for block in read.blocks
        if block.attn_dims is None and block.mlp_dims is None and block.heads is None
    }
    blocks = [
        b.ms if b.ms > 0 else whole.get((b.attention, b.stage, b.tokens, b.template, b.mlp_hidden), 0.0)
        for b in read.blocks
    ]
    found = component_ms(read)
    first = len(read.overhead)
    found[first : first + len(blocks)] = blocks
    return found


def _is_positive(profile: Profile) -> bool:
    costs = [*(each.ms for each in profile.overhead), *(each.ms for each in profile.blocks)]
    return min(costs) > 0 and (profile.elimination_ms or 0.0) >= 0
