"""Learning curves as a Plotly figure: the parts of the loss by step, of fine-tuned variants and of students."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from markupsafe import escape

from compress.archive import Archive, CurvePoint, Record, fidelity_order, read_curve
from compress.core.text import printable

_MOST_CURVES, _MOST_POINTS, _MOST_PARTS = 40, 400, 16


def curves_figure(archive: Archive) -> dict[str, Any] | None:
    """One part of the loss at a time, chosen above the plot; None where the run keeps no curve.

    Fine-tuned variants first, then students that were trained furthest; `_MOST_CURVES` in all.
    """
    found = _curves(archive)
    parts = list(dict.fromkeys(name for _, points in found for point in points for name in point.parts))
    parts = sorted(parts[:_MOST_PARTS], key=lambda name: name != "loss")
    traces = [(name, trace) for name in parts for record, points in found if (trace := _trace(record, points, name))]
    if not traces:
        return None
    data = [trace | {"visible": name == parts[0]} for name, trace in traces]
    return {"data": data, "layout": _layout(parts, [name for name, _ in traces])}


def _curves(archive: Archive) -> list[tuple[Record, list[CurvePoint]]]:
    front = {record.variant for record in archive.front(archive.fidelity)}
    students = [record for record in archive.records if any(rung.get("steps") for rung in record.rungs)]
    students.sort(key=lambda record: (record.variant not in front, -fidelity_order(record.fidelity), record.number))
    found: list[tuple[Record, list[CurvePoint]]] = []
    for record in (*archive.finetuned, *students):
        points = read_curve(archive.run_dir, record.variant)
        if points and len(found) < _MOST_CURVES:
            found.append((record, points))
    return found


def _trace(record: Record, points: Sequence[CurvePoint], part: str) -> dict[str, Any]:
    """The line of one part; empty where the variant's loss has no such part."""
    shown = [(point.step, point.parts[part]) for point in points if part in point.parts]
    shown = shown[:: max(1, -(-len(shown) // _MOST_POINTS))]
    if not shown:
        return {}
    line = {"width": 2, "color": "--front"} if record.lineage else {"width": 1, "color": "--muted"}
    return {
        "x": [step for step, _ in shown],
        "y": [value for _, value in shown],
        "name": str(escape(record.variant)),
        "mode": "lines" if len(shown) > 1 else "markers",
        "line": line,
        "hovertemplate": f"{escape(record.variant)}: step %{{x}}, %{{y:.4g}}<extra></extra>",
    }


def _layout(parts: Sequence[str], of_traces: Sequence[str]) -> dict[str, Any]:
    axis = {"gridcolor": "--line", "linecolor": "--line", "zeroline": False, "automargin": True}
    buttons = [
        {
            "label": _shown(part),
            "method": "update",
            "args": [{"visible": [name == part for name in of_traces]}, {"yaxis.title.text": _shown(part)}],
        }
        for part in parts
    ]
    return {
        "xaxis": axis | {"title": {"text": "steps of its own"}, "rangemode": "tozero"},
        "yaxis": axis | {"title": {"text": _shown(parts[0])}},
        "font": {"family": "system-ui, sans-serif", "size": 14, "color": "--ink"},
        "hoverlabel": {"bgcolor": "--page", "bordercolor": "--line", "font": {"color": "--ink"}, "align": "left"},
        "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": "rgba(0,0,0,0)",
        "legend": {"orientation": "v"},
        "margin": {"l": 10, "r": 20, "t": 40, "b": 10},
        "hovermode": "closest",
        "updatemenus": [{"buttons": buttons, "x": 0, "xanchor": "left", "y": 1.02, "yanchor": "bottom"}],
    }


def _shown(part: str) -> str:
    return str(escape(printable(part)))
