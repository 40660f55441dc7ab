"""Columns of tables of records: a title, an explanation, and how a record is read."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from compress.archive import Archive, Record
from compress.report.tables import Cell, Row, Table, number

Column = tuple[str, str, Callable[[Archive, Record], Cell]]
"""Title, explanation shown on hover, and the cell of a record."""


def accuracy_cell(name: str, form: str = ".3f") -> Callable[[Archive, Record], Cell]:
    """A figure of the accuracy that was scored."""
    return lambda _, r: number(getattr(r.accuracy, name) if r.accuracy else None, form)


def latency_cell(name: str, form: str = "") -> Callable[[Archive, Record], Cell]:
    """A figure of the latency, measured where it was."""
    return lambda _, r: number(getattr(r.latency, name) if r.latency else None, form)


def percentile_cell(name: str) -> Callable[[Archive, Record], Cell]:
    """A percentile of the latency; unknown of estimates, which are means."""
    return lambda _, r: number(getattr(r.latency, name) if r.latency and r.latency.runs else None)


def text_cell(read: Callable[[Record], Any]) -> Callable[[Archive, Record], Cell]:
    """What `read` returns for a record, as text."""
    return lambda _, r: Cell(str(read(r)))


def records_table(archive: Archive, columns: tuple[Column, ...], records: list[Record], label: str) -> Table:
    """A row for each record, of its status."""
    rows = (
        Row("teacher" if record.is_teacher else record.status, tuple(read(archive, record) for _, _, read in columns))
        for record in records
    )
    return Table(label, tuple((title, note) for title, note, _ in columns), tuple(rows))


VARIANT: Column = ("variant", "v017 is trial 17", text_cell(lambda r: r.variant))
