"""The small tracker as a teacher, and its pool."""

from __future__ import annotations

import pytest
import torch
from small_tracker import SPEC

from compress.distill import Pool, distillation_pool
from compress.models import Tracker, build


@pytest.fixture(scope="session")
def teacher() -> Tracker:
    torch.manual_seed(0)
    return build(SPEC).eval()


@pytest.fixture(scope="session")
def pool(teacher: Tracker, tmp_path_factory: pytest.TempPathFactory) -> Pool:
    return distillation_pool(
        teacher, count=96, seed=1, folder=tmp_path_factory.mktemp("pool"), device=torch.device("cpu"), workers=2
    )
