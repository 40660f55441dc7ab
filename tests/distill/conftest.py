"""Small trackers as teachers, and their pools, made once."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import pytest
import torch

from compress.core import Store
from compress.data import open_source
from compress.distill import Pool, distillation_pool
from compress.models import Tracker
from compress.testing.small_trackers import TEACHERS, awake

Made = tuple[Tracker, Pool]


@pytest.fixture(scope="session")
def awake_teacher(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Made]:
    """A teacher by its kind, see `TEACHERS`, and its pool of 160 pairs."""
    store, source = Store(tmp_path_factory.mktemp("pools")), open_source("generated")

    @cache
    def make(kind: str) -> Made:
        model = awake(TEACHERS[kind])
        answers = {"store": store, "device": torch.device("cpu"), "weights_key": kind}
        return model, distillation_pool(model, source, count=160, seed=1, workers=2, **answers)

    return make


@pytest.fixture(scope="session")
def teacher(awake_teacher: Callable[[str], Made]) -> Tracker:
    return awake_teacher("centre")[0]


@pytest.fixture(scope="session")
def pool(awake_teacher: Callable[[str], Made]) -> Pool:
    return awake_teacher("centre")[1]
