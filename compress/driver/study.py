"""The run's study as a search works on it: opened, made where there is none, and checked to be of this search."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from compress.core import FileError
from compress.driver.drawing import SeededSampler
from compress.driver.samplers import SAMPLERS

if TYPE_CHECKING:
    import optuna

_CONTENT = "content"
"""The study's attribute with the fingerprint of what the search is made from."""

_WAIT_S = 60
"""Seconds that a search waits for another process that has locked its study."""


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
    study.sampler = SeededSampler(make, seed)
    return study


def _check_same(path: Path, kept: object, content: str) -> None:
    if content and kept not in (None, content):
        raise FileError(
            f"{path} belongs to another search than config.yaml beside it: one of them was copied there. Put the "
            "right one back, or give another --out."
        )
