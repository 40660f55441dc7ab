"""The executor `ray`: jobs as trials of Ray Tune, on a cluster or on this machine.

Tune places trials by the resources that they ask for, fractions of a GPU too, keeps their processes for the next one,
and runs those again whose process or host is lost. It proposes nothing: its "searcher" hands over the jobs that were
submitted. The study stays the one record of what was found, and each result comes once.
"""

from __future__ import annotations

import pickle
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from queue import SimpleQueue
from threading import Thread
from typing import Any

import ray
from ray import tune
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

from compress.core import CompressError
from compress.core.files import work_home
from compress.core.scratch import scratch_folder
from compress.driver.executors.protocol import Watch
from compress.driver.executors.ray_cluster import connect, default_resources, room
from compress.driver.executors.ray_jobs import MOST_LOST, JobQueue, Preparation, StopFlag
from compress.driver.executors.ray_worker import Hub, run_trial
from compress.driver.executors.worker_process import importable_modules
from compress.driver.jobs import TrainingSetup, TrialJob, TrialResult
from compress.driver.worker import needs_preparation


class RayTune:
    """Runs jobs as trials of one Tune experiment; see `Executor`.

    Args:
        address: Of a running cluster, as `ray.init` takes it; empty starts one on this machine, which ends with the
            executor.
        resources: Of each job, such as `{"cpu": 2, "gpu": 0.5}`; by default one core, and one GPU where there are any.
        workers: Jobs at once; by default as many as the cluster has room for now.
        most_s: Seconds that a job may take, see `run_job`; None for any.

    Raises:
        CompressError: no cluster is there; or as `importable_modules`.
    """

    def __init__(
        self,
        watch: Watch,
        *,
        address: str = "",
        resources: Mapping[str, float] | None = None,
        workers: int | None = None,
        most_s: float | None = None,
    ) -> None:
        self._watch, self._workers, self._most_s = watch, workers, most_s
        self._modules = importable_modules()
        self._open, self._awaited = True, 0
        self._submitted: list[TrialJob] = []
        self._prepared: set[TrainingSetup] = set()
        self._events: SimpleQueue[tuple[str, Any, Any]] = SimpleQueue()
        self._queue, self._stop = JobQueue(self._events), StopFlag()
        with ExitStack() as stack:
            connect(address, resources or {}, workers)
            stack.callback(ray.shutdown)
            self._resources = dict(resources or default_resources())
            here = NodeAffinitySchedulingStrategy(ray.get_runtime_context().get_node_id(), soft=False)
            hub: Any = ray.remote(Hub)
            self._hub = hub.options(num_cpus=0, scheduling_strategy=here).remote(str(work_home()))
            stack.callback(lambda: ray.get(self._hub.close.remote()))
            self._thread = Thread(target=self._run, name="tune", daemon=True)
            self._thread.start()
            self._resources_held = stack.pop_all()

    @property
    def free(self) -> int:
        """Room in the cluster as it is now; at least one, as a cluster may grow with what it is asked for."""
        if not self._open:
            return 0
        return max(0, self.workers - self._awaited)

    @property
    def workers(self) -> int:
        """Likewise, of all jobs."""
        return self._workers or max(1, room(self._resources))

    def submit(self, job: TrialJob) -> None:
        """Queue a job."""
        if not self._open:
            raise CompressError("This executor was shut down and takes no more jobs. Make another one.")
        self._awaited += 1
        self._submitted.append(job)

    def as_completed(self) -> Iterator[TrialResult]:
        """Results as trials end; what they report is passed on meanwhile."""
        while self._awaited:
            self._begin()
            kind, job, value = self._events.get()
            if kind == "progress":
                self._watch(job)(*value)
            elif kind == "raised":
                self._awaited -= 1
                raise value
            elif isinstance(job, Preparation):
                self._prepared.add(job.setup)
            elif self._awaited:
                self._awaited -= 1
                yield value

    def shutdown(self) -> None:
        """End the trials that run, and the cluster where it was started here."""
        if self._open:
            self._open, self._awaited = False, 0
            self._submitted.clear()
            self._stop.set()
            self._queue.close()
            self._thread.join(timeout=20)
            self._resources_held.close()

    def _begin(self) -> None:
        """Hand over jobs; those that need what all students start from only once one trial has made it, by itself."""
        waiting, self._submitted = self._submitted, []
        for job in waiting:
            if job.setup in self._prepared or not needs_preparation(job):
                self._hand_over(job)
                continue
            self._submitted.append(job)
            if self._queue.preparing != job.setup:
                self._queue.preparing = job.setup
                self._hand_over(Preparation(job))

    def _hand_over(self, job: TrialJob | Preparation) -> None:
        self._queue.put(job, ray.get(self._hub.add.remote(pickle.dumps(job))))

    def _run(self) -> None:
        """The Tune experiment, from the first job to the shutdown."""
        hub, most_s, threads = self._hub, self._most_s, max(1, int(self._resources.get("cpu", 1)))
        modules = self._modules

        def trial(config: dict[str, Any]) -> None:
            run_trial(config, hub, threads, modules, most_s)

        try:
            with scratch_folder() as folder:
                tune.Tuner(
                    tune.with_resources(trial, self._resources),
                    tune_config=tune.TuneConfig(
                        search_alg=self._queue,
                        num_samples=-1,
                        reuse_actors=True,
                        trial_dirname_creator=lambda trial: trial.trial_id,
                    ),
                    run_config=tune.RunConfig(
                        storage_path=str(folder),
                        stop=self._stop,
                        verbose=0,
                        failure_config=tune.FailureConfig(max_failures=MOST_LOST),
                    ),
                ).fit()
        except BaseException as error:
            if self._open:
                self._events.put(("raised", None, CompressError(f"Ray Tune ended: {error}")))
