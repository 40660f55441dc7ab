"""One real, small search that the tests of this room share: random teacher weights, a folder of short sequences."""

from __future__ import annotations

import pytest

from compress import search
from compress.archive import Archive
from compress.testing.search_inputs import data, home, weights
from compress.testing.search_settings import SETTINGS

__all__ = ["data", "home", "weights"]


@pytest.fixture(scope="session")
def run(tmp_path_factory: pytest.TempPathFactory, weights: str, data: str) -> Archive:
    return search(out=tmp_path_factory.mktemp("runs") / "first", weights=weights, data=data, **SETTINGS)
