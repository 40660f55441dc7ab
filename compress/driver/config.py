"""What a search was asked to do: resolved once, written beside its results, compared when it is continued."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from compress.core import FileError, UsageError
from compress.core.files import write_text


@dataclass(frozen=True)
class SearchConfig:
    """Settings of one search. Defaults fit `ostrack-nano` on two CPU cores in under ten minutes.

    Attributes:
        teacher: Named tracker; `weights` a file with its weights, or empty for the shipped or imported ones.
        target: Device with a runtime; `threads` is how many threads it runs on.
        space: Name of a search space or a path.
        fps, speedup: The bound; exactly one is given. `speedup` is times the teacher's speed on the target.
        fps_at: The figure the bound binds: `mean`, `p50`, `p90` or `p99`.
        data: `generated`, or `folder:PATH` of sequences in GOT-10k layout.
        images: Folder of images to serve as texture of generated data; empty for none.
        trials: Students to train. Specs that are too slow are rejected first and do not count.
        generation: Students asked for at a time; half of them reach each next rung.
        pool: Pairs to distil on; `steps` distillation steps to full fidelity; `partial` the share of the first rung.
        sampler: `tpe`, `nsga2`, `gp` or `random`.
        device: Where networks are trained: `auto`, `cpu` or `cuda`.
        time_budget: Minutes after which nothing new is started; 0 for no end.
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
    images: str = ""
    trials: int = 10
    generation: int = 5
    pool: int = 4096
    steps: int = 600
    partial: float = 0.25
    sampler: str = "tpe"
    seed: int = 0
    device: str = "auto"
    time_budget: float = 0.0

    def __post_init__(self) -> None:
        if (self.fps is None) == (self.speedup is None):
            raise UsageError("Give the speed to reach by exactly one of --fps N and --speedup X.")
        for name in ("fps", "speedup"):
            value = getattr(self, name)
            if value is not None and not 0 < value < 1e6:
                raise UsageError(f"--{name} must be a positive number but is {value}.")
        for name in ("trials", "generation", "pool", "steps", "threads"):
            if getattr(self, name) < 1:
                raise UsageError(f"{name} must be at least 1 but is {getattr(self, name)}.")
        if not 0 < self.partial < 1:
            raise UsageError(f"partial must lie between 0 and 1 but is {self.partial}.")


# What may differ when a run is continued: how long and where, not what.
_MAY_CHANGE = ("trials", "device", "time_budget")


def settle(config: SearchConfig, run_dir: Path) -> None:
    """Write `config.yaml`, or hold `config` against the one there.

    Raises:
        FileError: the run directory belongs to another search, naming each difference.
    """
    path = run_dir / "config.yaml"
    wanted = dataclasses.asdict(config)
    if path.is_file():
        found = _read(path)
        differing = [k for k, v in wanted.items() if k not in _MAY_CHANGE and found.get(k) != v]
        if differing:
            said = "; ".join(f"{k} is {found.get(k)!r} there and {wanted[k]!r} here" for k in differing)
            raise FileError(
                f"{run_dir} holds another search: {said}. Give the same settings to continue it, or another --out."
            )
    elif any(entry.name != ".lock" for entry in run_dir.iterdir()):
        raise FileError(f"{run_dir} is not empty and holds no search. Give another --out.")
    write_text(path, yaml.safe_dump(wanted, sort_keys=False, allow_unicode=True))


def _read(path: Path) -> dict[str, Any]:
    try:
        found = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise FileError(f"{path} cannot be read as settings ({type(error).__name__}). Give another --out.") from error
    if not isinstance(found, dict):
        raise FileError(f"{path} does not hold settings. Give another --out.")
    return found
