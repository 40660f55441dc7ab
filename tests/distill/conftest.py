"""A tracker small enough to train in a test, and its pool."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from compress.core import HeadSpec, LayerSpec, TrackerSpec
from compress.distill import Pool, distillation_pool
from compress.models import Tracker, build

SPEC = TrackerSpec(
    dim=32,
    heads=2,
    layers=tuple(LayerSpec(source=i, mlp_hidden=64) for i in range(4)),
    template_size=32,
    search_size=64,
    head=HeadSpec(channels=8),
)
STUDENT = replace(SPEC, layers=(SPEC.layers[0], SPEC.layers[3]))


@pytest.fixture(scope="session")
def teacher() -> Tracker:
    torch.manual_seed(0)
    return build(SPEC).eval()


@pytest.fixture(scope="session")
def pool(teacher: Tracker, tmp_path_factory: pytest.TempPathFactory) -> Pool:
    return distillation_pool(
        teacher, count=96, seed=1, folder=tmp_path_factory.mktemp("pool"), device=torch.device("cpu"), workers=2
    )
