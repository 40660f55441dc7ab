"""Words for what a database server, its driver or a journal file cannot do."""

from __future__ import annotations

from json import JSONDecodeError

from compress.archive.study_file import one_line

_MODULES = ("sqlalchemy", "optuna", "psycopg", "psycopg2", "pymysql", "MySQLdb", "mysql", "sqlite3")

_REASONS = (
    (
        ("no password supplied", "fe_sendauth"),
        "asks for a password. Give it in the URL of --storage or of the variable OPTUNA_STORAGE, by PGPASSWORD or by "
        "a password file (~/.pgpass)",
    ),
    (
        ("password authentication failed", "Access denied", "authentication failed"),
        "does not accept the user or the password. Check both; a password can come from --storage, OPTUNA_STORAGE, "
        "PGPASSWORD or ~/.pgpass",
    ),
    (
        ("does not exist", "Unknown database"),
        "has no such database, user or table. Make it, as by createdb NAME, or check the name",
    ),
    (
        ("refused", "could not connect", "No such file or directory", "timeout", "timed out", "translate", "resolve"),
        "cannot be reached. Check that the server runs, and its host and port; nothing is lost",
    ),
    (
        ("closed the connection", "terminating connection", "gone away", "Lost connection", "shutting down"),
        "has ended the connection. Nothing is lost: wait until the server runs again",
    ),
    (("permission denied", "read-only"), "may not be written by that user. Give another user, or the right to it"),
    (("No space left", "could not extend", "disk full"), "has no room left on its disk. Nothing is lost: free some"),
)
"""Marks of messages of servers and drivers, and what they mean; the first that fits."""


def database_error(error: BaseException | None) -> BaseException | None:
    """The error of a database, its driver or Optuna that is behind an error, the innermost; None where none is."""
    found = None
    for _ in range(10):
        if error is None:
            break
        module = type(error).__module__.partition(".")[0]
        if module in _MODULES or isinstance(error, ModuleNotFoundError | JSONDecodeError):
            found = error
        error = error.__cause__ or error.__context__
    return found


def why(place: str, error: BaseException, password: str | None = None) -> str:
    """The paragraph about one error.

    Args:
        place: Of the study, in words.
        password: Left out of what is quoted.
    """
    if isinstance(error, ModuleNotFoundError):
        return (
            f"The driver of {place} is not installed ({error.name}). Install it, for PostgreSQL by pip install "
            "'compress[postgresql]'."
        )
    if isinstance(error, JSONDecodeError):
        return f"{place} is damaged: a line of the journal is no JSON. Put back a copy, or give another --out."
    text = str(error).replace(str(password), "…") if password else str(error)
    said = next((words for marks, words in _REASONS if any(mark in text for mark in marks)), "")
    if said:
        return f"The database of {place} {said}; then run the same command again ({one_line(text)})."
    return f"{place} cannot be used ({one_line(text)}). Run the same command again once that is put right."
