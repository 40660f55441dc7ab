"""Tables that benchmarks write: whole or not at all, after what says where they come from."""

from __future__ import annotations

import csv
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
