"""The run's Optuna study: what is stored in it, and how an archive is read from it.

One study named `compress` in `study.db`. A trial's `record` attribute holds its `Record`. A finished trial cannot
change, so what is found later lies in study attributes (`measured:VARIANT`, `status:VARIANT`) and is merged in here.
The study of a plan has an attribute `plan`.
"""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from compress.archive.archive import Archive
from compress.archive.plan import Plan
from compress.archive.record import Record, Status
from compress.archive.run_files import AGAIN, constraint_of, read_environment, read_settings
from compress.core import FileError, Latency, LatencyConstraint
from compress.core.plain import from_plain
from compress.core.text import printable

if TYPE_CHECKING:
    import optuna

STUDY = "compress"


@dataclass(frozen=True)
class _LaterStatus:
    status: Status
    reason: str = ""


def storage_url(run_dir: Path) -> str:
    """Optuna's URL of the run's SQLite file."""
    from sqlalchemy.engine import URL

    # Built, not formatted: a `?` or `%` in a folder's name would otherwise open another file.
    return URL.create("sqlite", database=str((run_dir / "study.db").resolve())).render_as_string()


def store_record(trial: optuna.Trial, record: Record) -> None:
    """Put `record` on its trial; only before the trial is finished."""
    trial.set_user_attr("record", record.to_attrs())


def store_teacher(study: optuna.Study, record: Record) -> None:
    """Put the teacher's record on the study."""
    study.set_user_attr("teacher", record.to_attrs())


def store_measured(study: optuna.Study, variant: str, latency: Latency) -> None:
    """Put a later whole-network measurement of `variant` (or the teacher) on the study."""
    study.set_user_attr(f"measured:{variant}", latency.to_dict())


def store_status(study: optuna.Study, variant: str, status: Status, reason: str) -> None:
    """Change what became of `variant` after its trial was finished."""
    study.set_user_attr(f"status:{variant}", {"status": status, "reason": printable(reason, lines=True, most=2_000)})


def store_plan(study: optuna.Study, plan: Plan) -> None:
    """Mark the study as a plan, once everything else of it is there."""
    study.set_user_attr("plan", plan.to_dict())


def read_knobs(run_dir: Path | str) -> dict[str, dict[str, Any]]:
    """The choices that each variant of a run was built from, by knob.

    Raises:
        FileError: not a run directory, or damaged.
    """
    path = Path(run_dir) / "study.db"
    if not path.is_file():
        raise FileError(f"{run_dir} is not a run directory: it has no study.db. {AGAIN}")
    with _opened(Path(run_dir)) as study:
        trials = study.get_trials(deepcopy=False)
        return {Record.from_attrs(t.user_attrs["record"]).variant: t.params for t in trials if "record" in t.user_attrs}


def archive_of(study: optuna.Study, run_dir: Path, settings: dict[str, Any]) -> Archive:
    """The archive of an open study.

    Raises:
        FileError: no teacher or no trial in it yet, or a record that is none.
    """
    attrs = study.user_attrs
    if "teacher" not in attrs:
        raise FileError(f"The search in {run_dir} stopped before its teacher was scored. Run it again to continue it.")
    teacher = Record.from_attrs(attrs["teacher"])
    teacher = replace(_remeasured(teacher, attrs), is_teacher=True)
    constraint = constraint_of(settings, teacher.latency)
    trials = study.get_trials(deepcopy=False)
    records = tuple(_merge(_record(t), attrs, constraint) for t in trials if "record" in t.user_attrs)
    if not records:
        raise FileError(f"The search in {run_dir} has tried nothing yet. Run it again to continue it.")
    plan = Plan.from_dict(attrs.get("plan"))
    return Archive(run_dir, teacher, records, constraint, settings, read_environment(run_dir), plan)


def read_archive(run_dir: Path | str) -> Archive:
    """The archive of a run directory (`study.db`, `config.yaml`).

    Raises:
        FileError: not a run directory, damaged, or nothing tried yet.
    """
    run_dir = Path(run_dir)
    for name in ("config.yaml", "study.db"):
        if not (run_dir / name).is_file():
            raise FileError(f"{run_dir} is not a run directory: it has no {name}. {AGAIN}")
    settings = read_settings(run_dir)
    with _opened(run_dir) as study:
        return archive_of(study, run_dir, settings)


@contextlib.contextmanager
def _opened(run_dir: Path) -> Iterator[optuna.Study]:
    path = run_dir / "study.db"
    _check_database(path)
    import optuna
    from sqlalchemy.exc import SQLAlchemyError

    try:
        storage = optuna.storages.RDBStorage(storage_url(run_dir), skip_table_creation=True)
        try:
            yield optuna.load_study(study_name=STUDY, storage=storage)
        finally:
            storage.remove_session()
            storage.engine.dispose()
    except (SQLAlchemyError, optuna.exceptions.OptunaError, KeyError, RuntimeError, ValueError) as error:
        raise FileError(f"{path} cannot be read as the study of a search ({_first_line(error)}). {AGAIN}") from error


def _check_database(path: Path) -> None:
    """Refuse what is no study before Optuna sees it, which would create its tables in any SQLite file."""
    try:
        with contextlib.closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=rw", uri=True)) as connection:
            names = connection.execute("SELECT study_name FROM studies").fetchall()
    except sqlite3.Error as error:
        raise FileError(f"{path} is damaged or is no Optuna study ({error}). {AGAIN}") from error
    if (STUDY,) not in names:
        raise FileError(f"{path} holds no study named {STUDY!r}. {AGAIN}")


def _record(trial: optuna.trial.FrozenTrial) -> Record:
    record = Record.from_attrs(trial.user_attrs["record"])
    # The process died between the trial's start and its end, and a later run gave it up.
    stale = trial.state.name == "FAIL" and record.status == "running"
    return replace(record, status="failed", reason=record.reason or "stopped before its end") if stale else record


def _merge(record: Record, attrs: dict[str, Any], constraint: LatencyConstraint) -> Record:
    """`record` with the later changes among the study's attributes."""
    record = _remeasured(record, attrs)
    later = attrs.get(f"status:{record.variant}")
    if later is not None:
        found = from_plain(_LaterStatus, later, f"the study's status of {record.variant}", error=FileError)
        return replace(record, status=found.status, reason=found.reason)
    if record.status == "done" and record.measured and not constraint.met_by(record.measured):
        return replace(record, status="missed", reason=constraint.check(record.measured).reason)
    return record


def _remeasured(record: Record, attrs: dict[str, Any]) -> Record:
    later = attrs.get(f"measured:{record.variant}")
    if later is None:
        return record
    where = f"the study's latency of {record.variant}"
    return replace(record, measured=from_plain(Latency, later, where, error=FileError))


def _first_line(error: Exception) -> str:
    return str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
