"""Samplers: how a study draws the next spec. One registry, `SAMPLERS`, that can be added to from outside."""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from compress.core import FileError, Registry

if TYPE_CHECKING:
    import optuna

SAMPLERS = Registry[Callable[[int], "optuna.samplers.BaseSampler"]]("sampler")
"""By the name that `--sampler` takes: makes an Optuna sampler from a seed."""

_CONTENT = "content"
"""The study's attribute with the fingerprint of what the search is made from."""

_WAIT_S = 60
"""Seconds that a search waits for another process that has locked its study."""


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


def open_study(run_dir: Path, *, sampler: str, seed: int, content: str = "") -> optuna.Study:
    """The run's study, made when absent; minimises latency (ms) and maximises AO.

    Args:
        content: Fingerprint of what the search is made from; only a study of the same is continued.

    Raises:
        FileError: what is there cannot be used, or is of another search.
    """
    import optuna

    from compress.archive import STUDY, explained, new_study_file, read_study, storage_url

    make = SAMPLERS[sampler]
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    path = run_dir / "study.db"
    if not os.path.lexists(path):
        new_study_file(path)
    kept = read_study(run_dir)
    _check_same(path, kept.attrs.get(_CONTENT), content)
    with explained(path):
        storage = optuna.storages.RDBStorage(
            storage_url(run_dir), {"connect_args": {"timeout": _WAIT_S}}, skip_table_creation=True
        )
        study = optuna.load_study(study_name=STUDY, storage=storage)
        if [each.name for each in study.directions] != ["MINIMIZE", "MAXIMIZE"]:
            raise FileError(f"{path} is no study of latency and accuracy, as a search makes it. Give another --out.")
        if content and _CONTENT not in kept.attrs:
            study.set_user_attr(_CONTENT, content)
    # A continued run must not draw again what it drew before.
    study.sampler = make(seed + 7919 * len(kept.trials))
    return study


def _check_same(path: Path, kept: object, content: str) -> None:
    if content and kept not in (None, content):
        raise FileError(
            f"{path} belongs to another search than config.yaml beside it: one of them was copied there. Put the "
            "right one back, or give another --out."
        )
