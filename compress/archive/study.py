"""The run's Optuna study: what is stored in it, and how an archive is read from it.

One study named `compress` in `study.db`. A trial's `record` attribute holds its `Record`. A finished trial cannot
change, so what is found later lies in study attributes (`measured:VARIANT`, `status:VARIANT`) and is merged in here;
so do variants that were trained on after the search (`finetuned:VARIANT`). The study of a plan has an attribute `plan`.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from compress.archive.archive import Archive
from compress.archive.finetuned import finetuned_records
from compress.archive.plan import Plan
from compress.archive.record import TEACHER, Record, Status, check_names
from compress.archive.run_files import constraint_of, read_environment, read_settings
from compress.archive.running import running_search
from compress.archive.storage import NoStudyError, StudyPlace, explained_storage, open_storage, place_of
from compress.archive.storage_errors import database_error
from compress.archive.study_file import (
    AGAIN,
    bounded_connection,
    check_study_file,
    close,
    one_line,
    sqlite_error,
    storage_url,
)
from compress.archive.time_spent import PHASES
from compress.core import CompressError, FileError, Latency, LatencyConstraint
from compress.core.plain import from_plain
from compress.core.text import printable

if TYPE_CHECKING:
    import optuna


@dataclass(frozen=True)
class _LaterStatus:
    status: Status
    reason: str = ""


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


@dataclass(frozen=True)
class StoredStudy:
    """What a study holds at one moment: attributes of its own, and its trials in their order."""

    attrs: dict[str, Any]
    trials: list[optuna.trial.FrozenTrial]

    @classmethod
    def of(cls, study: optuna.Study) -> StoredStudy:
        """An open study as it is now."""
        return cls(study.user_attrs, study.get_trials(deepcopy=False))

    @property
    def records(self) -> list[Record]:
        """The records of the trials, in their order.

        Raises:
            FileError: one that is none, or names that do not tell the variants apart.
        """
        found = [_record(trial) for trial in self.trials if "record" in trial.user_attrs]
        check_names(found)
        return found


def read_study(run_dir: Path) -> StoredStudy:
    """The study of a run directory, wherever it is kept; it is not trusted, and nothing is written.

    Raises:
        FileError: it is missing, damaged, locked, cannot be reached, or is no study of a search.
    """
    place = place_of(run_dir)
    return _read_file(run_dir) if not place.url else _read(place, lambda: open_storage(place))


def has_study(run_dir: Path) -> bool:
    """Whether a run directory has a study, or notes that it has one elsewhere."""
    return os.path.lexists(run_dir / "study.db") or bool(place_of(run_dir).url)


def _read_file(run_dir: Path) -> StoredStudy:
    path = run_dir / "study.db"
    if not os.path.lexists(path):
        raise FileError(f"{run_dir} is not a run directory: it has no study.db. {AGAIN}")
    check_study_file(path)
    import optuna
    from sqlalchemy.pool import StaticPool

    options = {"creator": partial(bounded_connection, path), "poolclass": StaticPool}
    return _read(
        StudyPlace(run_dir),
        lambda: optuna.storages.RDBStorage(storage_url(run_dir), options, skip_table_creation=True),
    )


def _read(place: StudyPlace, open_it: Callable[[], Any]) -> StoredStudy:
    import optuna

    optuna.logging.set_verbosity(optuna.logging.ERROR)  # what it warns of while it reads is said below
    with explained_storage(place):
        try:
            storage = open_it()
            try:
                return StoredStudy.of(optuna.load_study(study_name=place.study, storage=storage))
            finally:
                close(storage)
        except KeyError as error:
            raise NoStudyError(f"There is no {place}: it was removed, or never begun. {AGAIN}") from error
        except CompressError:
            raise
        except Exception as error:
            # Of any kind: Optuna trusts its tables, and what is in these was written by somebody else.
            if sqlite_error(error) or (place.url and database_error(error)):
                raise
            raise FileError(f"{place} cannot be read as the study of a search ({one_line(error)}). {AGAIN}") from error


def read_knobs(run_dir: Path | str) -> dict[str, dict[str, Any]]:
    """The choices that each variant of a run was built from, by knob.

    Raises:
        FileError: not a run directory, or damaged.
    """
    study = read_study(Path(run_dir))
    trials = (trial for trial in study.trials if "record" in trial.user_attrs)
    return {record.variant: trial.params for record, trial in zip(study.records, trials, strict=True)}


def archive_of(study: optuna.Study | StoredStudy, run_dir: Path, settings: dict[str, Any]) -> Archive:
    """The archive of a study.

    Raises:
        FileError: no teacher or no trial in it yet, or a record that is none.
    """
    stored = study if isinstance(study, StoredStudy) else StoredStudy.of(study)
    attrs = stored.attrs
    if "teacher" not in attrs:
        raise _too_early(run_dir, "its teacher is not scored yet")
    teacher = Record.from_attrs(attrs["teacher"])
    teacher = _remeasured(replace(teacher, variant=TEACHER, is_teacher=True), attrs)
    constraint = constraint_of(settings, teacher.latency)
    records = tuple(_merge(record, attrs, constraint) for record in stored.records)
    if not records:
        raise _too_early(run_dir, "it has tried nothing yet")
    later = finetuned_records(attrs)
    check_names([*records, *later])
    plan, phases = Plan.from_dict(attrs.get("plan")), attrs.get(PHASES) or {}
    return Archive(run_dir, teacher, records, constraint, settings, read_environment(run_dir), plan, phases, later)


def read_archive(run_dir: Path | str) -> Archive:
    """The archive of a run directory (`study.db`, `config.yaml`).

    Raises:
        FileError: not a run directory, damaged, or nothing tried yet.
    """
    run_dir = Path(run_dir)
    if not os.path.lexists(run_dir / "config.yaml"):
        raise FileError(f"{run_dir} is not a run directory: it has no config.yaml. {AGAIN}")
    settings = read_settings(run_dir)
    return archive_of(read_study(run_dir), run_dir, settings)


def _too_early(run_dir: Path, what: str) -> FileError:
    """The error for a run that nothing can be shown of."""
    running = running_search(run_dir)
    if running is not None:
        return FileError(f"The search in {run_dir} is {running}: {what}. Ask again in a while.")
    return FileError(f"The search in {run_dir} was stopped: {what}. Run it again to continue it.")


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
