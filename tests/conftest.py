"""For all tests: one thread for each, since several test processes share the cores."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator

import pytest

# Before anything imports numpy or torch; processes that tests start inherit it. Networks as small as those of the tests
# only wait for one another on more threads, and two OpenMP pools on the same cores run many times slower.
for _name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ.setdefault(_name, "1")


@pytest.fixture(autouse=True)
def _one_thread() -> Iterator[None]:
    """Undoes what a test did to the number of torch's threads."""
    yield
    if torch := sys.modules.get("torch"):
        torch.set_num_threads(1)
