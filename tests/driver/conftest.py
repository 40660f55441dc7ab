"""One real, small search that the tests of this room share: random teacher weights, a folder of short sequences."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from compress import search
from compress.archive import Archive
from compress.testing.search_inputs import data, weights
from compress.testing.search_settings import SETTINGS

__all__ = ["data", "weights"]


@pytest.fixture(scope="session", autouse=True)
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A home of its own, so that profiles and students are made here."""
    folder, before = tmp_path_factory.mktemp("home"), os.environ.get("COMPRESS_HOME")
    os.environ["COMPRESS_HOME"] = str(folder)
    yield folder
    os.environ.pop("COMPRESS_HOME") if before is None else os.environ.update(COMPRESS_HOME=before)


@pytest.fixture(scope="session")
def run(tmp_path_factory: pytest.TempPathFactory, weights: str, data: str) -> Archive:
    return search(out=tmp_path_factory.mktemp("runs") / "first", weights=weights, data=data, **SETTINGS)
