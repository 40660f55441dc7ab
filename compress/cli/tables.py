"""Tables on stdout."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from compress.archive import Archive

_COLUMNS = {
    "variant": "variant",
    "ao": "AO",
    "ao_se": "± SE",
    "fidelity": "AO is",
    "latency_ms": "ms",
    "latency_provenance": "ms is",
    "worst_ms": "worst ms",
    "mean_layers": "layers",
    "fps": "fps",
    "params": "params",
    "macs": "MACs",
}


_ADAPTIVE = ("worst_ms", "mean_layers")
"""Columns for fronts that hold adaptive trackers."""


def print_front(archive: Archive) -> None:
    """The front with the teacher as its last row."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    from compress.archive import front_rows

    rows = front_rows(archive)
    columns = {k: title for k, title in _COLUMNS.items() if k not in _ADAPTIVE or any(row["adaptive"] for row in rows)}
    table = Table(box=None, pad_edge=False)
    for name, title in columns.items():
        table.add_column(title, justify="left" if name in ("variant", "fidelity", "latency_provenance") else "right")
    for each in rows:
        table.add_row(*(Text(_cell(name, each[name])) for name in columns))
    Console().print(table)


def _cell(name: str, value: Any) -> str:
    if value is None:
        return "–"
    if name in ("params", "macs"):
        return f"{value / 1e6:.3g} M"
    if name == "fps":
        return f"{value:.0f}"
    if name == "mean_layers":
        return f"{value:.1f}"
    return f"{value:.3f}" if isinstance(value, float) else str(value)
