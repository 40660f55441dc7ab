"""Tables as values: what the template draws and the browser sorts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from compress.report.formatting import digits


@dataclass(frozen=True)
class Cell:
    """One table cell: what is shown, and what it sorts by (its text where None)."""

    text: str
    key: float | None = None


@dataclass(frozen=True)
class Row:
    """Cells of a row; `kind` names its class for the style sheet."""

    kind: str
    cells: tuple[Cell, ...]


@dataclass(frozen=True)
class Table:
    """A sortable table.

    Attributes:
        label: What it holds, for screen readers.
        columns: Title and explanation (shown on hover) of each column.
    """

    label: str
    columns: tuple[tuple[str, str], ...]
    rows: tuple[Row, ...]


def number(value: float | None, form: str = "", unit: str = "") -> Cell:
    """A cell for a figure, of three significant digits where no `form` is given; a dash where nothing is known."""
    if value is None:
        return Cell("–", float("inf"))
    text = f"{value:{form}}" if form else digits(value)
    return Cell(text.replace("-", "−") + unit, float(value))


def flat(values: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Names and values of settings; what is nested gets names such as `space.depth`."""
    for name, value in values.items():
        if isinstance(value, dict) and value:
            yield from flat(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", ", ".join(map(str, value)) if isinstance(value, list) else value
