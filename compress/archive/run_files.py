"""`config.yaml` and `environment.json` of a run directory, the input not trusted."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from compress.archive.study_file import AGAIN
from compress.core import FileError, Latency, LatencyConstraint, UsageError
from compress.core.plain import from_plain
from compress.core.plain_files import read_plain

_MOST = 200_000


@dataclass(frozen=True)
class _Bound:
    """The settings that a latency constraint is made of."""

    fps: float | None = None
    speedup: float | None = None
    fps_at: str | None = None


@dataclass(frozen=True)
class _Used:
    """The settings that other commands go by."""

    teacher: str = ""
    weights: str = ""
    target: str = "cpu"
    threads: int = 1
    data: str = ""
    train_data: str = ""
    images: str = ""
    space: str = ""
    fingerprints: dict[str, Any] | None = None
    storage: str = ""
    study: str = ""


def read_settings(run_dir: Path) -> dict[str, Any]:
    """The settings of a run by name.

    Raises:
        FileError: no `config.yaml`, a damaged one, or one that holds something else.
    """
    path = run_dir / "config.yaml"
    settings = read_plain(path, "file of settings", most=_MOST, advice=AGAIN)
    if not isinstance(settings, dict):
        raise FileError(f"{path} must hold settings by name but holds {type(settings).__name__}. {AGAIN}")
    settings = {str(key): value for key, value in settings.items()}
    from_plain(_Used, settings, str(path), error=FileError, unknown_fields="left out")
    return settings


def read_environment(run_dir: Path) -> dict[str, Any]:
    """`environment.json` where it is there and whole; a report without it is still a report."""
    try:
        found = read_plain(run_dir / "environment.json", "file of versions", most=_MOST)
        return from_plain(dict[str, Any], found, "environment", error=FileError)
    except FileError:
        return {}


def constraint_of(settings: dict[str, Any], teacher: Latency | None) -> LatencyConstraint:
    """The latency bound that settings ask for.

    Raises:
        FileError: the bound is impossible.
    """
    try:
        bound = from_plain(_Bound, settings, "config", unknown_fields="left out")
        return LatencyConstraint.of(fps=bound.fps, speedup=bound.speedup, at=bound.fps_at or "mean", teacher=teacher)
    except UsageError as error:
        raise FileError(f"config.yaml holds a latency bound that is impossible: {error} {AGAIN}") from error
