"""One real, small search that the tests of this room share: random teacher weights, a folder of short sequences."""

from __future__ import annotations

from pathlib import Path

import pytest

from compress import search
from compress.archive import Archive
from compress.testing.search_inputs import SETTINGS, data, home, nano_weights, weights

__all__ = ["data", "home", "nano_weights", "weights"]


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory, home: Path, weights: str, data: str) -> Archive:
    """In the module's own home: a fixture of the session would come before that is there."""
    return search(out=tmp_path_factory.mktemp("runs") / "first", weights=weights, data=data, **SETTINGS)
