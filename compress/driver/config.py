"""What a search was asked to do."""

from __future__ import annotations

from dataclasses import dataclass
from math import inf
from typing import get_args

from compress.core import Latency, LatencyConstraint, UsageError
from compress.surgery import Rank


@dataclass(frozen=True)
class SearchConfig:
    """Settings of one search. Defaults fit `ostrack-nano` on two CPU cores in under ten minutes.

    Attributes:
        teacher: Named tracker; `weights` a file with its weights, or empty for the shipped or imported ones.
        target: Device with a runtime; `threads` is how many threads it runs on.
        space: Name of a search space or a path.
        fps, speedup: The bound, by one of them. `speedup` is times the teacher's speed on the target; without either
            it is 1, so that nothing slower than the teacher is trained.
        fps_at: The figure the bound binds: `mean`, `p50`, `p90`, `p99`, or `worst`, the mean of an adaptive tracker's
            dearest way.
        data: What variants are scored on: `generated`, or `folder:PATH` of sequences in GOT-10k layout.
        train_data: What they are distilled on, likewise; keep it apart from `data`.
        plan: Run directory of a plan whose front is trained first; empty for none.
        images: Folder of images to serve as texture of generated training pairs; empty for none.
        trials: Students to train; None for 10, or fewer where `time_budget` ends first. Specs that are too slow are
            rejected before training and do not count.
        generation: Students asked for at a time; half of them reach each next rung.
        pool: Pairs to distil on; None for 8192, or fewer: what `steps` draw, or what 1.25 GB hold of a larger
            teacher's.
        steps, partial: Distillation steps to full fidelity, and the share of them of the first rung.
        mlp_rank: Which hidden units a thinner MLP keeps: the most important ones or the `leading` ones.
        sampler: `tpe`, `nsga2`, `gp` or `random`.
        strategy: Which students are trained and how far, one of `STRATEGIES`.
        executor: Where they are trained, one of `EXECUTORS`.
        device: Where networks are trained: `auto`, `cpu` or `cuda`.
        time_budget: Minutes after which no further generation is started; 0 for no end. None is 5 minutes where
            `trials` is None too, else no end.
    """

    teacher: str = "ostrack-nano"
    weights: str = ""
    target: str = "cpu"
    threads: int = 1
    space: str = "ostrack"
    fps: float | None = None
    speedup: float | None = None
    fps_at: str = "mean"
    data: str = "generated"
    train_data: str = "generated"
    plan: str = ""
    images: str = ""
    trials: int | None = None
    generation: int = 5
    pool: int | None = None
    steps: int = 480
    partial: float = 0.25
    mlp_rank: Rank = "importance"
    sampler: str = "tpe"
    strategy: str = "halving"
    executor: str = "inline"
    seed: int = 0
    device: str = "auto"
    time_budget: float | None = None

    def __post_init__(self) -> None:
        if self.fps is not None and self.speedup is not None:
            raise UsageError("Give the speed to reach by one of --fps N and --speedup X, not by both.")
        if self.fps is None and self.speedup is None:
            object.__setattr__(self, "speedup", 1.0)
        for name in ("fps", "speedup"):
            value = getattr(self, name)
            if value is not None and not 0 < value < 1e6:
                raise UsageError(f"--{name} must be a positive number but is {value}.")
        for name in ("trials", "generation", "pool", "steps", "threads"):
            value = getattr(self, name)
            if value is not None and value < 1:
                raise UsageError(f"{name} must be at least 1 but is {value}.")
        if self.mlp_rank not in get_args(Rank):
            raise UsageError(f"mlp_rank must be {' or '.join(get_args(Rank))} but is {self.mlp_rank!r}.")
        if not 0 < self.partial < 1:
            raise UsageError(f"partial must lie between 0 and 1 but is {self.partial}.")

    @property
    def students(self) -> int:
        """Students to train."""
        return 10 if self.trials is None else self.trials

    @property
    def minutes(self) -> float:
        """Minutes after which no further generation is started; infinite for no end."""
        if self.time_budget is None:
            return 5.0 if self.trials is None else inf
        return self.time_budget or inf

    def constraint(self, teacher: Latency | None) -> LatencyConstraint:
        """The latency constraint of the search; a `speedup` is relative to the teacher's latency on the target."""
        return LatencyConstraint.of(fps=self.fps, speedup=self.speedup, at=self.fps_at, teacher=teacher)
