"""Tables that benchmarks write: whole or not at all, after what says where they come from."""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from compress.core.writing import writing


def write_table(path: Path, columns: Sequence[str], rows: Iterable[Iterable[Any]], *, head: str = "") -> None:
    """Write a CSV file.

    Args:
        head: Lines before the names of the columns.
    """
    with writing(path) as temporary, temporary.open("w", newline="", encoding="utf-8") as file:
        file.write(head)
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(columns)
        writer.writerows(rows)


def write_rows(path: Path, rows: Sequence[Mapping[str, Any]], columns: Sequence[str] = ()) -> None:
    """Likewise of rows by column, at least one where `columns` are not given; a row may lack some."""
    names = columns or list(rows[0])
    write_table(path, names, ([row.get(name, "") for name in names] for row in rows))


def begin_rows(path: Path, columns: Sequence[str], *, head: str) -> None:
    """Start a table that rows are appended to; of one that is there, remove a last line that was cut short."""
    if not path.exists():
        write_table(path, columns, [], head=head)
        return
    text = path.read_bytes()
    if not text.endswith(b"\n"):
        with path.open("r+b") as file:
            file.truncate(text.rfind(b"\n") + 1)


def append_row(path: Path, row: Iterable[Any]) -> None:
    """One write, which appears whole or, after a crash, as a line without an end."""
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerow(row)
    with path.open("ab", buffering=0) as file:
        file.write(text.getvalue().encode())
        os.fsync(file.fileno())


def read(path: Path) -> list[dict[str, str]]:
    """The rows of a table; a last line that was cut short is left out."""
    if not path.exists():
        return []
    lines = [line for line in path.read_text(encoding="utf-8").splitlines(keepends=True) if not line.startswith("#")]
    whole = [line for line in lines if line.endswith("\n")]
    return list(csv.DictReader(whole))
