"""What every executor keeps, run on each that is registered: real jobs on a tracker small enough to train here."""

from __future__ import annotations

import pytest

from compress.driver import SearchSettings
from compress.driver.executors import EXECUTORS
from compress.driver.jobs import TrainingSetup
from compress.testing import executor_checks


@pytest.fixture(scope="module")
def setup(data: str) -> TrainingSetup:
    return executor_checks.small_setup(data)


@pytest.mark.parametrize("check", executor_checks.CHECKS, ids=lambda check: check.__name__)
@pytest.mark.parametrize("name", EXECUTORS.names())
def test_conformance(name: str, check: executor_checks.Check, setup: TrainingSetup) -> None:
    check(lambda watch: EXECUTORS[name](SearchSettings(), watch), setup)
