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
    "fps": "fps",
    "params": "params",
    "macs": "MACs",
}


def print_front(archive: Archive) -> None:
    """The front with the teacher as its last row."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    from compress.archive import front_rows

    table = Table(box=None, pad_edge=False)
    for name, title in _COLUMNS.items():
        table.add_column(title, justify="left" if name in ("variant", "fidelity", "latency_provenance") else "right")
    for each in front_rows(archive):
        table.add_row(*(Text(_cell(name, each[name])) for name in _COLUMNS))
    Console().print(table)


def _cell(name: str, value: Any) -> str:
    if value is None:
        return "–"
    if name in ("params", "macs"):
        return f"{value / 1e6:.3g} M"
    if name == "fps":
        return f"{value:.0f}"
    return f"{value:.3f}" if isinstance(value, float) else str(value)
