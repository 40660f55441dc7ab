"""The run's study as a search works on it: opened, made where there is none, and checked to be of this search."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from compress.archive import (
    STUDY,
    StudyPlace,
    check_study_file,
    close,
    explained_storage,
    new_study_file,
    open_storage,
    place_of,
    storage_url,
)
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

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    make, place = SAMPLERS[sampler], place_of(run_dir)
    study = _elsewhere(place) if place.url else _in_file(run_dir)
    with explained_storage(place):
        kept = study.user_attrs.get(_CONTENT)
        if [each.name for each in study.directions] != ["MINIMIZE", "MAXIMIZE"]:
            raise FileError(f"{place} is no study of latency and accuracy, as a search makes it. Give another --out.")
        if content and kept not in (None, content):
            raise FileError(
                f"{place} belongs to another search than config.yaml in {run_dir}: one of them was copied there, or "
                "changed. Put the right one back, or give another --out."
            )
        if content and kept is None:
            study.set_user_attr(_CONTENT, content)
    study.sampler = SeededSampler(make, seed)
    return study


@contextmanager
def closing_study(study: optuna.Study) -> Iterator[None]:
    """Close the connections of a study at the end."""
    try:
        yield
    finally:
        close(getattr(study._storage, "_backend", study._storage))


def _in_file(run_dir: Path) -> optuna.Study:
    import optuna

    path = run_dir / "study.db"
    if not os.path.lexists(path):
        new_study_file(path)
    check_study_file(path)
    with explained_storage(StudyPlace(run_dir)):
        storage = optuna.storages.RDBStorage(
            storage_url(run_dir), {"connect_args": {"timeout": _WAIT_S}}, skip_table_creation=True
        )
        return optuna.load_study(study_name=STUDY, storage=storage)


def _elsewhere(place: StudyPlace) -> optuna.Study:
    """The study in another storage; there under a name that no other run has, which `config.yaml` notes."""
    import optuna

    storage = open_storage(place, create=True)
    with explained_storage(place):
        directions = [optuna.study.StudyDirection.MINIMIZE, optuna.study.StudyDirection.MAXIMIZE]
        return optuna.create_study(study_name=place.study, storage=storage, directions=directions, load_if_exists=True)
