"""`study.db` as a file: what it must be before Optuna gets it, and words for why it cannot be used.

SQLite files are programs in part: a view can compute without end, and pages that are linked in a circle can be read
without end. So the schema, the pages and the number of rows are checked first, by a connection with bounds.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from compress.core import CompressError, FileError
from compress.core.opening import regular_file
from compress.core.text import printable

if TYPE_CHECKING:
    pass

STUDY = "compress"
AGAIN = "Give the folder that `compress search` wrote, or run the search again."

_MOST_BYTES = 512 * 2**20
_MOST_VALUE = 4 * 2**20
"""Bytes of one value: a record takes some thousand."""

_MOST_ROWS = {"trials": 50_000}
_MOST_OTHER_ROWS = 500_000
_SECONDS = 30.0
"""Reading a study of ten thousand trials takes two."""

_WAIT_S = 10.0
"""Seconds that a reader waits for a search that writes."""

_STEPS_BETWEEN_CLOCKS = 20_000
_BUSY = (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)


def storage_url(run_dir: Path) -> str:
    """Optuna's URL of the run's SQLite file."""
    from sqlalchemy.engine import URL

    # Built, not formatted: a `?` or `%` in a folder's name would otherwise open another file.
    return URL.create("sqlite", database=str((run_dir / "study.db").resolve())).render_as_string()


def check_study_file(path: Path) -> None:
    """Refuse what is no whole study of a search, in bounded time and memory; nothing is written.

    Raises:
        FileError: it is missing, no regular file, too large, damaged, locked, or something else.
    """
    regular_file(path, "study", _MOST_BYTES, advice=AGAIN)
    for each in _beside(path):
        regular_file(each, "journal of a study", _MOST_BYTES, advice=AGAIN)
    with explained(path), contextlib.closing(bounded_connection(path)) as connection:
        _check_schema(path, connection)
        found = connection.execute("PRAGMA quick_check(1)").fetchone()[0]
        if found != "ok":
            raise FileError(f"{path} is damaged ({one_line(found)}). {AGAIN}")
        names = connection.execute("SELECT study_name FROM studies LIMIT 100").fetchall()
        if (STUDY,) not in names:
            raise FileError(f"{path} holds no study named {STUDY!r}. {AGAIN}")


def bounded_connection(path: Path) -> sqlite3.Connection:
    """A connection that reads only, values of some megabytes at most, for seconds at most.

    Raises:
        sqlite3.Error: it cannot be opened.
    """
    # What a killed search left half written is undone by the first one that opens it, which has to write for that.
    uri = f"{path.resolve().as_uri()}?mode={'rw' if _beside(path) else 'ro'}"
    connection = sqlite3.connect(uri, uri=True, timeout=_WAIT_S, check_same_thread=False)
    connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, _MOST_VALUE)
    end = time.monotonic() + _SECONDS + _WAIT_S
    connection.set_progress_handler(lambda: int(time.monotonic() > end), _STEPS_BETWEEN_CLOCKS)
    connection.execute("PRAGMA trusted_schema = OFF")
    connection.execute("PRAGMA query_only = ON")
    return connection


@contextlib.contextmanager
def explained(path: Path) -> Iterator[None]:
    """Say in words what SQLite, or Optuna with it, cannot do with a study.

    Raises:
        FileError: in place of errors of SQLite, SQLAlchemy and Optuna's storage.
    """
    try:
        yield
    except CompressError:
        raise
    except Exception as error:
        cause = sqlite_error(error)
        if cause is None:
            raise
        raise FileError(_why(path, cause)) from error


def sqlite_error(error: BaseException | None) -> sqlite3.Error | None:
    """SQLite's error behind those of SQLAlchemy and Optuna."""
    seen = 0
    while error is not None and seen < 10:
        if isinstance(error, sqlite3.Error):
            return error
        error, seen = error.__cause__ or error.__context__, seen + 1
    return None


def _why(path: Path, error: sqlite3.Error) -> str:
    """The paragraph about one error of SQLite."""
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    if code in _BUSY:
        return (
            f"{path} is locked by {_holders(path)}, which reads or writes it. Nothing is damaged: wait until that has "
            "ended, or stop it, and run the same command again."
        )
    if code in (sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR):
        return (
            f"{path} cannot be written or read ({one_line(error)}): the disk may be full or failing. Free some space; "
            "where the study is whole, the same command continues it."
        )
    if code in (sqlite3.SQLITE_READONLY, sqlite3.SQLITE_PERM, sqlite3.SQLITE_CANTOPEN):
        return f"{path} may not be written here ({one_line(error)}). Check who owns it and its folder, or copy the run."
    if code == sqlite3.SQLITE_INTERRUPT:
        return f"{path} takes longer to read than any study of a search. {AGAIN}"
    if code == sqlite3.SQLITE_TOOBIG:
        return f"{path} holds a value of more than {_MOST_VALUE // 2**20} MB, which no search stores. {AGAIN}"
    return f"{path} is damaged or is no study of a search ({one_line(error)}). {AGAIN}"


def _holders(path: Path) -> str:
    """Who holds a lock on a file, as far as Linux says it."""
    with contextlib.suppress(OSError, ValueError, IndexError):
        status = path.stat()
        lines = [line.split() for line in Path("/proc/locks").read_text().splitlines()]
        pids = {int(words[4]) for words in lines if words[5].rpartition(":")[2] == str(status.st_ino)}
        names = [_process(pid) for pid in sorted(pids) if pid > 0]
        if names:
            return f"process {' and '.join(names)}"
    return "another process"


def _process(pid: int) -> str:
    with contextlib.suppress(OSError):
        return f"{pid} ({printable(Path(f'/proc/{pid}/comm').read_text().strip())})"
    return str(pid)


def _check_schema(path: Path, connection: sqlite3.Connection) -> None:
    """Plain tables alone, of as many rows as a search may write."""
    schema = connection.execute("SELECT type, name, sql FROM sqlite_master LIMIT 1000").fetchall()
    tables = [str(name) for kind, name, _ in schema if kind == "table"]
    other = [str(name) for kind, name, _ in schema if kind not in ("table", "index")]
    other += [str(name) for kind, name, sql in schema if kind == "table" and "virtual" in str(sql).lower().split()[:2]]
    other += [name for name in tables if any(row[6] for row in _columns(connection, name))]
    if other or len(schema) == 1000:
        raise FileError(
            f"{path} is no study of a search: it holds views, triggers or computed tables, which no search makes "
            f"({one_line(', '.join(other))}). {AGAIN}"
        )
    for name in tables:
        most = _MOST_ROWS.get(name, _MOST_OTHER_ROWS)
        query = f"SELECT count(*) FROM (SELECT 1 FROM {_quoted(name)} LIMIT {most + 1})"
        if connection.execute(query).fetchone()[0] > most:
            raise FileError(f"{path} holds more than {most} rows of {one_line(name)}, more than any search. {AGAIN}")


def _beside(path: Path) -> list[Path]:
    """The files that SQLite keeps beside a database while it is written; they are there after a search was killed."""
    real = path.resolve()
    found = [real.with_name(real.name + end) for end in ("-journal", "-wal", "-shm")]
    return [each for each in found if os.path.lexists(each)]


def _columns(connection: sqlite3.Connection, table: str) -> list[Any]:
    """Of each column: place, name, type, …, and at 6 whether it is computed."""
    return connection.execute(f"PRAGMA table_xinfo({_quoted(table)})").fetchall()


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def one_line(text: object) -> str:
    """The first line of a message, printable."""
    return printable(str(text).strip().split("\n")[0], most=200) or type(text).__name__


def new_study_file(path: Path) -> None:
    """Make `study.db` with an empty study, whole or not at all; it minimises latency (ms) and maximises AO.

    Raises:
        OSError: it cannot be written.
    """
    import optuna
    from sqlalchemy.engine import URL

    from compress.core.writing import writing

    with writing(path) as temporary:
        storage = optuna.storages.RDBStorage(URL.create("sqlite", database=str(temporary)).render_as_string())
        optuna.create_study(study_name=STUDY, storage=storage, directions=["minimize", "maximize"])
        close(storage)


def close(storage: Any) -> None:
    """Close the connections of a storage, where it has any."""
    if hasattr(storage, "engine"):
        storage.remove_session()
        storage.engine.dispose()
