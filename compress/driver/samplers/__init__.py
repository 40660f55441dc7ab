"""Samplers: how a study draws the next spec. One registry, `SAMPLERS`, that can be added to from outside.

A sampler is one of Optuna's, or any `optuna.samplers.BaseSampler`. One that is a `SpaceAware` too learns, before it is
first asked, which choices there are and which students keep the bound; it then ends the search by itself.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import TYPE_CHECKING

from compress.core import Registry

if TYPE_CHECKING:
    import optuna

SAMPLERS = Registry[Callable[[int], "optuna.samplers.BaseSampler"]]("sampler")
"""By the name that `--sampler` takes: makes an Optuna sampler from a seed; anew for every draw, see `SeededSampler`."""


@SAMPLERS.register
def tpe(seed: int) -> optuna.samplers.BaseSampler:
    """Tree-structured Parzen estimator; knobs that need another one are grouped, and sampled jointly all the same."""
    import optuna

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        return optuna.samplers.TPESampler(seed=seed, multivariate=True, group=True, n_startup_trials=8)


@SAMPLERS.register
def nsga2(seed: int) -> optuna.samplers.BaseSampler:
    """A genetic algorithm."""
    import optuna

    return optuna.samplers.NSGAIISampler(seed=seed)


@SAMPLERS.register
def gp(seed: int) -> optuna.samplers.BaseSampler:
    """A Gaussian process for each objective and for the bound; what it draws is moved within the bound."""
    import optuna

    from compress.driver.samplers.nearest import NearestSampler

    return NearestSampler(lambda s: optuna.samplers.GPSampler(seed=s, warn_independent_sampling=False), seed)


@SAMPLERS.register
def random(seed: int) -> optuna.samplers.BaseSampler:
    """Independent draws."""
    import optuna

    return optuna.samplers.RandomSampler(seed=seed)


@SAMPLERS.register
def exhaustive(seed: int) -> optuna.samplers.BaseSampler:
    """Every student of a small space once, in an order drawn from the seed."""
    from compress.driver.samplers.exhaustive import ExhaustiveSampler

    return ExhaustiveSampler(seed)


@SAMPLERS.register
def prior(seed: int) -> optuna.samplers.BaseSampler:
    """What published ablations promise, at first; then, and ever more, what the results of this search do."""
    from compress.driver.samplers.prior import PriorSampler

    return PriorSampler(seed)
