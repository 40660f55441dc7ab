"""What a search is asked to do, said once: options, flags in messages, keywords of `compress.search`, `config.yaml`."""

from __future__ import annotations

from dataclasses import dataclass
from math import inf
from typing import Literal, TypedDict

from compress.core import LATENCY_FIGURES, Latency, LatencyConstraint, Registry, UsageError
from compress.core.byte_sizes import parsed_bytes
from compress.core.ranges import (
    ETA,
    EXECUTOR_WORKERS,
    FPS,
    GENERATION,
    MINUTES,
    PAIRS,
    SEED,
    SHARE,
    SPEEDUP,
    STUDENT_STEPS,
    THREADS,
    TRIALS,
)
from compress.core.settings import check_settings, flag_of, setting
from compress.core.threads import usable_cores
from compress.driver.executors import EXECUTORS
from compress.driver.executors.resources import parsed_resources
from compress.driver.samplers import SAMPLERS
from compress.driver.strategies import STRATEGIES

DEFAULT_STUDENTS = 128
DEFAULT_MINUTES = 9.0
_MANY = 16
"""Students from which on several are trained at once by default."""


@dataclass(frozen=True)
class SearchSettings:
    """Settings of one search. Defaults fit `ostrack-nano` on two CPU cores in under ten minutes.

    The bound on latency is `fps`, or `speedup` times the teacher's speed on the target. Without either `speedup` is 1,
    so that nothing slower than the teacher is trained. Specs that are too slow are rejected before training and do not
    count as `trials`. `None` and empty texts leave the choice to the search.

    Raises:
        UsageError: naming all settings that cannot be.
    """

    teacher: str = setting("ostrack-nano", "Where the search starts from.")
    weights: str = setting("", "The teacher's weights, as published or imported.")
    target: str = setting("cpu", "The device to be fast on.")
    threads: int = setting(1, "Threads of the target's runtime.", numbers=THREADS)
    fps: float | None = setting(None, "Frames per second to reach on the target.", numbers=FPS)
    speedup: float | None = setting(None, "Or: times the teacher's speed (default 1).", numbers=SPEEDUP)
    fps_at: str = setting("mean", f"What the bound binds: {', '.join(LATENCY_FIGURES)}.")
    space: str = setting("ostrack", "Search space: a name or a YAML file.")
    data: str = setting("generated", "What students are scored on; see below.", form="SOURCE")
    train_data: str = setting("generated", "What they are distilled on; keep it apart.", form="SOURCE")
    images: str = setting("", "Your images as generated texture.", folder=True)
    trials: int | None = setting(None, "Students to try (default 128, or fewer in 9 minutes).", numbers=TRIALS)
    generation: int | None = setting(None, "Students that compete with each other (default all).", numbers=GENERATION)
    eta: int = setting(4, "One in so many goes on to the next rung,", numbers=ETA)
    members: int = setting(6, "but at least so many, where there are.", numbers=GENERATION)
    steps: int = setting(160, "Steps of full distillation.", numbers=STUDENT_STEPS)
    elastic_steps: int | None = setting(
        None, "Of shared weights (default --steps, or as time allows).", numbers=STUDENT_STEPS
    )
    partial: float = setting(0.125, "Share of the steps that the first distilled rung has.", numbers=SHARE)
    pool: int | None = setting(None, "Pairs to distil on (default: as pays and fits).", numbers=PAIRS)
    cache_size: str = setting("4GB", "Disk for pairs with kept answers; 0: new pairs every step.", form="SIZE")
    time_budget: float | None = setting(
        None, "Minutes that all of it may take; 0: no end (default 9 without --trials).", numbers=MINUTES
    )
    trial_timeout: float | None = setting(
        None, "Minutes after which a student is given up (default never).", numbers=MINUTES
    )
    mlp_rank: Literal["importance", "leading"] = setting("importance", "Units that a thin MLP keeps.")
    recipe: str = setting("default", "How students are trained, see docs/recipes.md.", form="NAME|FILE")
    sampler: str = setting("prior", "How specs are drawn.", names=SAMPLERS.names)
    strategy: str = setting("halving", "Which students are trained, and how far.", names=STRATEGIES.names)
    executor: str | None = setting(
        None, "Where students are trained (default local for many of them, ray with an address).", names=EXECUTORS.names
    )
    workers: int | None = setting(
        None, "Students trained at once, by other executors than inline (default: what fits).", numbers=EXECUTOR_WORKERS
    )
    ray_address: str = setting("", "Of a running Ray cluster, for ray (default: one on this machine).")
    resources: str = setting("", "Of each student on a Ray cluster, e.g. cpu=2,gpu=0.5.", form="NAME=AMOUNT,…")
    storage: str = setting(
        "", "Where the study is kept: a database, or journal:PATH (default study.db in the run).", form="URL"
    )
    plan: str = setting("", "Train the front of this plan (a run directory) first.")
    seed: int = setting(0, "Seed of everything random.", numbers=SEED)
    device: Literal["auto", "cpu", "cuda"] = setting("auto", "Where networks are trained; auto takes a free GPU.")

    def __post_init__(self) -> None:
        if self.fps is not None and self.speedup is not None:
            fps, speedup = (flag_of(SearchSettings, name) for name in ("fps", "speedup"))
            raise UsageError(f"Give the speed to reach by one of {fps} N and {speedup} X, not by both.")
        check_settings(self)
        parsed_bytes(flag_of(SearchSettings, "cache_size"), self.cache_size)
        if self.resources:
            parsed_resources(self.resources)
        LatencyConstraint(None, at=self.fps_at)
        if self.fps is None and self.speedup is None:
            object.__setattr__(self, "speedup", 1.0)

    @property
    def students(self) -> int:
        """Students to try, where there is time for so many."""
        return DEFAULT_STUDENTS if self.trials is None else self.trials

    @property
    def chosen_executor(self) -> str:
        """The executor; by default processes where they save more time than it takes to start them."""
        if self.executor or self.ray_address or self.resources:
            return self.executor or "ray"
        several = (self.workers or 0) > 1 or (self.students >= _MANY and usable_cores() > 1)
        return "local" if several and "__main__" not in Registry.outside_modules() else "inline"

    @property
    def minutes(self) -> float:
        """Minutes that the search may take; what is left of them decides who is trained. Infinite for no end."""
        if self.time_budget is None:
            return DEFAULT_MINUTES if self.trials is None else inf
        return self.time_budget or inf

    @property
    def job_seconds(self) -> float | None:
        """Seconds that one student may take at a rung; None for any."""
        return 60 * self.trial_timeout if self.trial_timeout else None

    def constraint(self, teacher: Latency | None) -> LatencyConstraint:
        """The latency constraint of the search; a `speedup` is relative to the teacher's latency on the target."""
        return LatencyConstraint.of(fps=self.fps, speedup=self.speedup, at=self.fps_at, teacher=teacher)


class SearchKeywords(TypedDict, total=False):
    """The fields of `SearchSettings` as keywords, for type checkers; a test holds the two equal."""

    teacher: str
    weights: str
    target: str
    threads: int
    fps: float | None
    speedup: float | None
    fps_at: str
    space: str
    data: str
    train_data: str
    images: str
    trials: int | None
    generation: int | None
    eta: int
    members: int
    steps: int
    elastic_steps: int | None
    partial: float
    pool: int | None
    cache_size: str
    time_budget: float | None
    trial_timeout: float | None
    mlp_rank: Literal["importance", "leading"]
    recipe: str
    sampler: str
    strategy: str
    executor: str | None
    workers: int | None
    ray_address: str
    resources: str
    storage: str
    plan: str
    seed: int
    device: Literal["auto", "cpu", "cuda"]


MAY_CHANGE = ("trials", "device", "executor", "workers", "ray_address", "resources", "time_budget", "trial_timeout")
"""What may differ when a run is continued: how long and where, not what."""
