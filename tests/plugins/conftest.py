"""For tests of what is added from outside: a home of their own, and what a small search needs."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from compress.testing.search_inputs import data, weights

__all__ = ["data", "weights"]


@pytest.fixture(scope="module", autouse=True)
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Of one module; what was set before is set again afterwards."""
    folder, before = tmp_path_factory.mktemp("home"), os.environ.get("COMPRESS_HOME")
    os.environ["COMPRESS_HOME"] = str(folder)
    yield folder
    os.environ.pop("COMPRESS_HOME") if before is None else os.environ.update(COMPRESS_HOME=before)
