"""Executors: where the jobs of a search are run. One registry, `EXECUTORS`, that can be added to from outside."""

from __future__ import annotations

from compress.driver.executors.protocol import EXECUTORS, Executor, ExecutorSettings, Watch

__all__ = ["EXECUTORS", "Executor", "ExecutorSettings", "Watch"]


@EXECUTORS.register
def inline(settings: ExecutorSettings, watch: Watch) -> Executor:
    """One job after the other, in this process."""
    from compress.driver.executors.inline import Inline

    return Inline(watch, most_s=settings.job_seconds)


@EXECUTORS.register
def local(settings: ExecutorSettings, watch: Watch) -> Executor:
    """Several jobs at once, in processes on this machine."""
    from compress.driver.executors.local import Local
    from compress.driver.executors.resources import worker_shares

    return Local(worker_shares(settings.workers, settings.device), watch, most_s=settings.job_seconds)


@EXECUTORS.register
def ray(settings: ExecutorSettings, watch: Watch) -> Executor:
    """Trials of Ray Tune, on a cluster or on this machine."""
    from compress.driver.executors.ray_tune import RayTune
    from compress.driver.executors.resources import parsed_resources

    resources = parsed_resources(settings.resources) if settings.resources else None
    return RayTune(
        watch,
        address=settings.ray_address,
        resources=resources,
        workers=settings.workers,
        most_s=settings.job_seconds,
    )
