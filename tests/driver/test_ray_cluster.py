"""A real Ray cluster of two nodes on this machine, with a home each, one of which is lost while a job runs there."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from compress.core.progress import Progress, no_progress
from compress.driver.executors.ray_tune import RayTune
from compress.driver.jobs import Rung, TrialJob
from compress.driver.worker import students_of
from compress.testing.executor_checks import SHORTER, job_of, small_setup

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore::FutureWarning")]


@pytest.fixture
def cluster(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    monkeypatch.setenv("RAY_USAGE_STATS_ENABLED", "0")
    from ray.cluster_utils import Cluster

    root = str(Path(__file__).resolve().parents[2])
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([root, os.environ.get("PYTHONPATH", "")]))
    node = {"num_cpus": 1, "object_store_memory": 100_000_000, "include_dashboard": False}
    found: Any = Cluster(initialize_head=True, head_node_args=node)
    monkeypatch.setenv("COMPRESS_HOME", str(tmp_path / "other-home"))
    found.other = found.add_node(num_cpus=1, object_store_memory=100_000_000)
    monkeypatch.undo()
    yield found
    found.shutdown()


def test_no_trial_is_lost_and_none_comes_twice_where_a_node_dies(cluster: Any, data: str, tmp_path: Path) -> None:
    setup = small_setup(data)
    setup = replace(setup, rungs=(Rung("rung-0", 0), Rung("full", 100, short=False)))
    training: set[int] = set()
    lost: list[Any] = []

    def watch(job: TrialJob) -> Progress:
        def progress(text: str, share: float, figures: Any = None) -> None:
            if "Distilling" in text:
                training.add(job.trial)
            if len(training) == 2 and not lost:
                lost.append(cluster.other)
                cluster.remove_node(cluster.other, allow_graceful=False)

        return progress

    executor = RayTune(watch, address=cluster.address, resources={"cpu": 1})
    assert executor.free == 2
    jobs = [job_of(replace(setup, seed=seed), SHORTER[0], trial=seed) for seed in range(2)]
    jobs += [job_of(setup, SHORTER[1], trial=2), job_of(setup, SHORTER[1], trial=3, rung=0)]
    for job in jobs:
        executor.submit(job)
    results = list(executor.as_completed())
    assert len(lost) == 1
    until = time.monotonic() + 60  # until the cluster has noticed
    while executor.free != 1 and time.monotonic() < until:
        time.sleep(0.2)
    assert executor.free == 1
    executor.shutdown()
    assert sorted(each.trial for each in results) == [0, 1, 2, 3]
    assert {each.error for each in results} == {""}
    assert [students_of(job.setup).path(job.spec, job.rung).is_file() for job in jobs[:3]] == [True] * 3
    assert (tmp_path / "other-home" / "pools").is_dir(), "the other node has worked with a home of its own"


def test_a_cluster_that_runs_here_is_not_joined_unasked(cluster: Any) -> None:
    import ray

    executor = RayTune(lambda job: no_progress, workers=1)
    try:
        assert ray.get_runtime_context().gcs_address != cluster.address
    finally:
        executor.shutdown()
