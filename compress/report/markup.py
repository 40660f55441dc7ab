"""HTML pieces. All text goes through `escape`; what is already HTML is a `Markup`."""

from __future__ import annotations

import html
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from compress.report.formatting import digits


class Markup(str):
    """Text that is HTML already."""


def escape(value: Any) -> Markup:
    """`value` as HTML text."""
    return value if isinstance(value, Markup) else Markup(html.escape(str(value)))


@dataclass(frozen=True)
class Cell:
    """One table cell: what is shown, and what it sorts by (its text where None)."""

    text: str
    key: float | None = None


def number(value: float | None, form: str = "", unit: str = "") -> Cell:
    """A cell for a figure, of three significant digits where no `form` is given; a dash where nothing is known."""
    if value is None:
        return Cell("–", float("inf"))
    text = f"{value:{form}}" if form else digits(value)
    return Cell(text.replace("-", "−") + unit, float(value))


def table(columns: Sequence[tuple[str, str]], rows: Iterable[tuple[str, Sequence[Cell]]], *, label: str) -> Markup:
    """A sortable table.

    Args:
        columns: Title and explanation (shown on hover) of each column.
        rows: Class name and cells of each row.
        label: What the table holds, for those who hear the page.
    """
    head = "".join(
        f'<th scope="col" title="{escape(note)}"><button type="button">{escape(title)}</button></th>'
        for title, note in columns
    )
    body = "".join(_row(name, cells) for name, cells in rows)
    return Markup(
        f'<div class="wide" tabindex="0" role="region" aria-label="{escape(label)}">'
        f'<table class="sortable"><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>'
    )


def pairs(values: dict[str, Any], *, label: str) -> Markup:
    """A two-column table of names and values; nested values are indented names (`space.depth`)."""
    rows = "".join(
        f'<tr><th scope="row">{escape(name)}</th><td>{escape(value)}</td></tr>' for name, value in _flat(values, "")
    )
    return Markup(
        f'<div class="wide" tabindex="0" role="region" aria-label="{escape(label)}"><table>{rows}</table></div>'
    )


def _flat(values: dict[str, Any], prefix: str) -> Iterable[tuple[str, Any]]:
    for name, value in values.items():
        if isinstance(value, dict) and value:
            yield from _flat(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", ", ".join(map(str, value)) if isinstance(value, list) else value


def _row(name: str, cells: Sequence[Cell]) -> str:
    return f'<tr class="{escape(name)}">{"".join(_cell(cell, first=i == 0) for i, cell in enumerate(cells))}</tr>'


def _cell(cell: Cell, *, first: bool) -> str:
    key = "" if cell.key is None else f' class="number" data-key="{cell.key!r}"'
    return f'<th scope="row"{key}>{escape(cell.text)}</th>' if first else f"<td{key}>{escape(cell.text)}</td>"
