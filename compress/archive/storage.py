"""Where the study of a run is kept: `study.db` in its directory, a database server, or a journal file.

`config.yaml` notes it, without a password. That is taken from the URL as it was given in this process, or as the
environment variable `OPTUNA_STORAGE` gives it; of PostgreSQL also from `PGPASSWORD` or a password file, by its driver.
"""

from __future__ import annotations

import contextlib
import os
import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from compress.archive.run_files import read_settings
from compress.archive.storage_errors import database_error, why
from compress.archive.study_file import STUDY, explained, one_line
from compress.core import CompressError, FileError, UsageError
from compress.core.opening import regular_file
from compress.core.text import printable

if TYPE_CHECKING:
    from sqlalchemy.engine import URL

_JOURNAL = "journal:"
_MOST_BYTES = 2**30
_CONNECT_S = 10
_GIVEN: dict[str, str] = {}
"""URLs as they were given in this process, by what is noted of them."""


class NoStudyError(FileError):
    """A run notes a study that is not where it should be."""


@dataclass(frozen=True)
class StudyPlace:
    """Where the study of a run is.

    Attributes:
        url: As it is noted: without a password; empty for `study.db` in the run directory.
        study: Its name there.
    """

    run_dir: Path
    url: str = ""
    study: str = STUDY

    def __str__(self) -> str:
        where = printable(self.url, most=300) if self.url else printable(str(self.run_dir / "study.db"))
        return f"study {printable(self.study)} in {where}" if self.url else where

    @property
    def journal(self) -> Path | None:
        """The journal file, where it is one."""
        return Path(self.url.removeprefix(_JOURNAL)) if self.url.startswith(_JOURNAL) else None


def noted_storage(url: str) -> str:
    """What a run notes of a storage: its URL without a password, a journal file by its absolute path.

    The URL as it is given is remembered in this process.

    Raises:
        UsageError: it is no URL of a database and no journal file.
    """
    if not url:
        return ""
    if url.startswith(_JOURNAL):
        path = url.removeprefix(_JOURNAL)
        if not path:
            raise UsageError("--storage journal: needs the path of a file, such as journal:/shared/run.journal.")
        return _JOURNAL + os.path.abspath(path)
    found = _parsed(url)
    query = {name: value for name, value in found.query.items() if "pass" not in name.lower()}
    parts = found.drivername, found.username, None, found.host, found.port, found.database, query
    noted = type(found).create(*parts).render_as_string(hide_password=False)
    _GIVEN[noted] = url
    return noted


def new_study_name(run_dir: Path) -> str:
    """A name for the study of a run in a storage that others use, too: of the run directory, and unlike any other."""
    name = "".join(c if c.isalnum() or c in "-_." else "-" for c in run_dir.resolve().name)[:80]
    return f"{STUDY}-{name}-{secrets.token_hex(4)}"


def place_of(run_dir: Path) -> StudyPlace:
    """Where the study of a run is, as its `config.yaml` notes it; `study.db` where it notes nothing.

    Raises:
        FileError: `config.yaml` is damaged.
    """
    if not os.path.lexists(run_dir / "config.yaml"):
        return StudyPlace(run_dir)
    settings = read_settings(run_dir)
    url, study = settings.get("storage") or "", settings.get("study") or STUDY
    return StudyPlace(run_dir, url, study) if url else StudyPlace(run_dir)


def open_storage(place: StudyPlace, *, create: bool = False) -> Any:
    """Optuna's storage of a place that is not `study.db`.

    Args:
        create: Make the tables or the file, where they are not.

    Raises:
        FileError: it cannot be opened, in words.
    """
    import optuna
    from optuna.storages.journal import JournalFileBackend

    with explained_storage(place):
        if place.journal is not None:
            if os.path.lexists(place.journal):
                regular_file(place.journal, "journal of a study", _MOST_BYTES, advice="Give the file of this search.")
            elif not create:
                raise NoStudyError(
                    f"There is no {place.journal}, in which {place.run_dir} keeps its study. Put it back."
                )
            return optuna.storages.JournalStorage(JournalFileBackend(str(place.journal)))
        url = _with_driver(_parsed(_as_given(place.url)))
        options = {"connect_timeout": _CONNECT_S} if url.get_backend_name() in ("postgresql", "mysql") else {}
        return optuna.storages.RDBStorage(
            url.render_as_string(hide_password=False),
            {"connect_args": options, "pool_pre_ping": True},
            skip_table_creation=not create,
        )


@contextlib.contextmanager
def explained_storage(place: StudyPlace) -> Iterator[None]:
    """Say in words what cannot be done with the study of a run.

    Raises:
        FileError: in place of errors of databases, drivers and Optuna's storages.
    """
    if not place.url:
        with explained(place.run_dir / "study.db"):
            yield
        return
    try:
        yield
    except CompressError:
        raise
    except Exception as error:
        cause = database_error(error)
        if cause is None:
            raise
        if any(words in str(cause) for words in ("no such table", 'relation "')):
            raise NoStudyError(f"There is no {place}: nothing of a search is there.") from None
        secret = _parsed(_as_given(place.url)).password if place.journal is None else None
        raise FileError(why(str(place), cause, secret)) from None  # what it came from may quote the password


def _as_given(noted: str) -> str:
    environment = os.environ.get("OPTUNA_STORAGE", "")
    if noted not in _GIVEN and environment:
        with contextlib.suppress(UsageError):
            noted_storage(environment)
    return _GIVEN.get(noted, noted)


def _parsed(url: str) -> URL:
    from sqlalchemy.engine import make_url
    from sqlalchemy.exc import ArgumentError

    try:
        found = make_url(url)
        found.get_dialect()
    except (ArgumentError, ValueError):
        found = None
    except Exception as error:  # a dialect that there is not, or whose driver is not installed
        raise UsageError(f"--storage: the kind of that database is not known ({one_line(error)}). {_KINDS}") from None
    if found is None or not (found.host or found.database or found.query):
        raise UsageError(f"--storage takes the URL of a database, or journal:PATH. {_KINDS}")
    return found


_KINDS = "Give one such as postgresql://USER@HOST/DATABASE, mysql://USER@HOST/DATABASE or journal:/shared/run.journal."


def _with_driver(url: URL) -> URL:
    """PostgreSQL by whichever of its drivers is there, where none is named."""
    there = [name for name in ("psycopg", "psycopg2") if find_spec(name)]
    if url.drivername == "postgresql" and there:
        return url.set(drivername=f"postgresql+{there[0]}")
    return url
