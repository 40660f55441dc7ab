"""When a search is a plan, and making one: a front by estimates alone, where nothing can be trained or timed."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from compress.archive import Archive, has_study, run_dir_lock
from compress.core import FileError, UsageError
from compress.core.progress import Progress, no_progress
from compress.driver.planner.planner import Planner
from compress.driver.planner.sample import DRAWS
from compress.driver.precisions import space_on
from compress.driver.run_config import check_or_write_config, space_content
from compress.driver.run_dir import explaining_errors, write_environment
from compress.driver.settings import SearchSettings
from compress.measure import Target
from compress.models import weights_path
from compress.spaces import load_space

_SPACE = "full"
"""Planned over where no space is given: a larger one costs seconds here, not hours."""


def is_plan(config: SearchSettings, target: Target, given: Mapping[str, object]) -> bool:
    """Whether a search is a plan: on a device that is not at hand without weights, or on estimates without data.

    Args:
        given: The settings that the user gave, rather than left at their defaults.

    Raises:
        FileError: named weights that are not there.
        UsageError: a plan to start from, where there is nothing to start.
    """
    if target.timer is not None:
        return False
    if config.weights and not Path(config.weights).is_file():
        raise FileError(f"There is no weights file {config.weights}. Leave --weights out to plan without.")
    without_data = target.provenance == "estimated" and "data" not in given
    planned = without_data or not _has_weights(config)
    if planned and config.plan:
        raise UsageError(
            f"--plan starts a search that trains, but on {target.name}, which is not at hand, that needs the teacher's "
            "weights (--weights) and sequences to score on (--data). Without them a plan is made."
        )
    return planned


def make_plan(
    config: SearchSettings, target: Target, run_dir: Path, *, progress: Progress = no_progress, draws: int = DRAWS
) -> Archive:
    """Estimate students of a space, and write those on and near the front as a run. Nothing is trained or timed.

    Args:
        draws: Students to draw of a large space; see `sample.DRAWS`.

    Raises:
        UsageError, FileError, InterruptedRun: as `search`.
    """
    if config.storage:
        raise UsageError("A plan is kept in its run directory, as it trains nothing. Leave --storage out.")
    target.check_threads(config.threads)
    space, left_out = space_on(target, load_space(config.space))
    planner = Planner(config, run_dir, target, space, progress, draws)
    check_kind(run_dir, planned=True)
    with run_dir_lock(run_dir), explaining_errors(run_dir):
        check_or_write_config(config, run_dir, space_content(space))
        write_environment(run_dir, "none: a plan trains nothing")
        if left_out:
            planner.log(left_out)
            progress(left_out, 0.0)
        return planner.run()


def check_kind(run_dir: Path, *, planned: bool) -> None:
    """Keep plans and searches apart.

    Raises:
        FileError: the run directory holds one, and the other is asked for.
    """
    if not has_study(run_dir) or os.path.lexists(run_dir / "plan.csv") == planned:
        return
    if planned:
        raise FileError(f"{run_dir} holds a search with trained variants. Give the plan another --out.")
    raise FileError(f"{run_dir} holds a plan. Start from it: --plan {run_dir}, with another --out.")


def plan_space(given: Mapping[str, object]) -> str:
    """The space of a plan: as given, or everything at once."""
    return str(given.get("space") or _SPACE)


def _has_weights(config: SearchSettings) -> bool:
    try:
        return bool(config.weights) or weights_path(config.teacher).is_file()
    except FileError:
        return False
