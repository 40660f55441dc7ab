"""Samplers: how a study draws the next spec. One registry, `SAMPLERS`, that can be added to from outside."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import TYPE_CHECKING

from compress.core import Registry

if TYPE_CHECKING:
    import optuna

SAMPLERS = Registry[Callable[[int], "optuna.samplers.BaseSampler"]]("sampler")
"""By the name that `--sampler` takes: makes an Optuna sampler from a seed."""


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
    """A Gaussian process."""
    import optuna

    return optuna.samplers.GPSampler(seed=seed)


@SAMPLERS.register
def random(seed: int) -> optuna.samplers.BaseSampler:
    """Independent draws."""
    import optuna

    return optuna.samplers.RandomSampler(seed=seed)
