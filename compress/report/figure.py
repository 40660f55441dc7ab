"""The front as a Plotly figure: plain dictionaries; colours are names (`--front`) that the page's theme resolves."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from markupsafe import escape

from compress.archive import Archive, Record, fidelity_order
from compress.report import formatting
from compress.report.hover import hover
from compress.report.label_places import Plot, Spot
from compress.report.published_trackers import published_labels, published_traces

_SHAPES = {
    "full": "circle",
    "elastic": "hexagon",
    "blockwise": "hexagon2",
    "prior": "star-triangle-up",
    "finetuned": "star-diamond",
}
_RUNG_SHAPES = ("diamond", "square", "triangle-up", "pentagon")


def figure(archive: Archive) -> dict[str, Any]:
    """`{"data": […], "layout": {…}}`: latency in ms against AO, one trace per kind of record."""
    front = archive.front(archive.fidelity)
    members = {record.variant for record in front}
    rest = [r for r in archive.records if r.variant not in members]
    scored = [r for r in rest if r.ao is not None and r.latency and (archive.plan is None or r.status == "done")]
    kept = [r for r in scored if r.status != "missed"]
    traces = [
        *(published_traces(archive) if archive.plan else ()),
        *(_others(kept, fidelity) for fidelity in sorted({r.fidelity for r in kept}, key=fidelity_order)),
        _missed([r for r in scored if r.status == "missed"]),
        _whiskers(_named(front) if archive.plan else [*kept, *front, archive.teacher]),
        _rug([r for r in rest if r.status == "rejected" and r.latency]),
        _front(front, archive.fidelity),
        _finetuned(archive.finetuned),
        _teacher(archive.teacher),
    ]
    return {"data": [trace for trace in traces if trace.get("x")], "layout": _layout(archive)}


def _points(records: Sequence[Record]) -> dict[str, Any]:
    return {
        "x": [r.latency.mean_ms for r in records if r.latency],
        "y": [r.ao for r in records if r.ao is not None],
        "hovertext": [hover(r) for r in records],
        "hovertemplate": "%{hovertext}<extra></extra>",
    }


def _front(records: Sequence[Record], fidelity: str) -> dict[str, Any]:
    return _points(records) | {
        "name": f"Pareto front ({fidelity})",
        "legendrank": 1,
        "mode": "lines+markers+text",
        "text": _labels(records),
        "textposition": "top left",  # the side on which a front has no neighbours
        "textfont": {"color": "--ink", "size": 13},
        "line": {"shape": "hv", "color": "--front", "width": 2},
        "marker": {
            "color": "--front",
            "size": 11,
            "symbol": [_symbol(r) for r in records],
            "line": _outline("--front"),
        },
        "error_y": _bars(records, "--front"),
    }


def _labels(records: Sequence[Record]) -> list[str]:
    """Names of the variants, empty for those whose labels would overlap."""
    named = _named(records)
    return [str(escape(r.variant)) if r in named else "" for r in records]


def _named(records: Sequence[Record]) -> list[Record]:
    """From the most accurate down, those far enough from every one already named."""
    spots = [_spot(r) for r in records]
    clearance = 0.07 * max((x for x, _ in spots), default=0.0)
    named: list[int] = []
    for i in sorted(range(len(spots)), key=lambda i: -spots[i][1]):
        if all(abs(spots[i][0] - spots[j][0]) > clearance or abs(spots[i][1] - spots[j][1]) > 0.03 for j in named):
            named.append(i)
    return [records[i] for i in named]


def _spot(record: Record) -> Spot:
    return record.latency.mean_ms if record.latency else 0.0, record.ao or 0.0


def _outline(colour: str) -> dict[str, Any]:
    return {"width": 2, "color": colour}


def _others(records: Sequence[Record], fidelity: str) -> dict[str, Any]:
    found = [r for r in records if r.fidelity == fidelity]
    name = {"full": "off the front (full)", "prior": "off the front (prior)"}.get(
        fidelity, f"{fidelity}, not trained further"
    )
    marker = {"color": "--muted", "size": 9, "symbol": [_symbol(r) for r in found], "line": _outline("--muted")}
    return _points(found) | {"name": name, "mode": "markers", "marker": marker}


def _finetuned(records: Sequence[Record]) -> dict[str, Any]:
    """Marked, and joined by no line: they are of another fidelity than the front."""
    shown = [r for r in records if r.latency and r.ao is not None]
    marker = {"color": "--bound", "size": 13, "symbol": [_symbol(r) for r in shown], "line": _outline("--bound")}
    named = {"mode": "markers+text", "text": [str(escape(r.variant)) for r in shown], "textposition": "bottom right"}
    return (
        _points(shown)
        | named
        | {
            "name": "finetuned: trained on after the search, not of the front",
            "textfont": {"color": "--ink", "size": 13},
            "marker": marker,
            "error_y": _bars(shown, "--bound"),
        }
    )


def _missed(records: Sequence[Record]) -> dict[str, Any]:
    marker = {"color": "--bound", "size": 9, "symbol": "x-thin-open", "line": _outline("--bound")}
    return _points(records) | {"name": "missed the bound when measured", "mode": "markers", "marker": marker}


def _rug(records: Sequence[Record]) -> dict[str, Any]:
    """Variants never trained have no AO: ticks along the bottom edge, on an axis of their own."""
    marker = {"color": "--muted", "size": 12, "symbol": "line-ns-open", "line": _outline("--muted")}
    points = _points(records) | {"y": [0.02] * len(records), "yaxis": "y2", "mode": "markers", "marker": marker}
    return points | {"name": "too slow, never trained (no AO)"}


def _whiskers(records: Sequence[Record]) -> dict[str, Any]:
    """A dotted line from the mean of each adaptive tracker to its worst path, with a tick there."""
    x: list[float | None] = []
    y: list[float | None] = []
    for record in records:
        if record.ao is not None and record.latency and record.latency.worst_ms is not None:
            x += [record.latency.mean_ms, record.latency.worst_ms, None]
            y += [record.ao, record.ao, None]
    return {
        "x": x,
        "y": y,
        "name": "adaptive: mean to worst path",
        "mode": "lines+markers",
        "line": {"color": "--soft", "width": 2, "dash": "dot"},
        "marker": {"color": "--soft", "symbol": "line-ns-open", "size": [0, 12, 0] * (len(x) // 3)},
        "hoverinfo": "skip",
    }


def _teacher(record: Record) -> dict[str, Any]:
    if not record.latency or record.ao is None:
        return {}
    symbol = "star" if record.latency.provenance == "measured" else "star-open"
    return _points([record]) | {
        "name": "teacher",
        "legendrank": 2,
        "mode": "markers+text",
        "text": ["teacher"],
        "textposition": "bottom left",
        "textfont": {"color": "--ink", "size": 13},
        "marker": {"color": "--teacher", "size": 17, "symbol": [symbol], "line": _outline("--teacher")},
        "error_y": _bars([record], "--teacher"),
    }


def _bars(records: Sequence[Record], colour: str) -> dict[str, Any]:
    """A standard error to each side; of estimates, which are many, the interval of those that are named."""
    if any(r.prior for r in records):
        shown = [r.prior if r in _named(records) else None for r in records]
        up, down = [p.high - p.mean if p else 0.0 for p in shown], [p.mean - p.low if p else 0.0 for p in shown]
        sides = {"array": up, "arrayminus": down, "symmetric": False}
        return sides | {"type": "data", "color": colour, "thickness": 1, "width": 3}
    errors = [r.accuracy.ao_se for r in records if r.accuracy]
    return {"type": "data", "array": errors, "color": colour, "thickness": 1.5, "width": 5}


def _symbol(record: Record) -> str:
    """Shape by fidelity, filled where the latency was measured."""
    shape = _SHAPES.get(record.fidelity) or _RUNG_SHAPES[int(fidelity_order(record.fidelity)) % len(_RUNG_SHAPES)]
    return shape if record.latency and record.latency.provenance == "measured" else f"{shape}-open"


def _layout(archive: Archive) -> dict[str, Any]:
    axis = {"gridcolor": "--line", "linecolor": "--line", "zeroline": False, "automargin": True}
    layout: dict[str, Any] = {
        "xaxis": axis | {"title": {"text": "latency, ms per frame (mean)"}, "rangemode": "tozero"},
        "yaxis": axis | {"title": {"text": _accuracy_axis(archive)}},
        "yaxis2": {"overlaying": "y", "range": [0, 1], "visible": False, "fixedrange": True},
        "font": {"family": "system-ui, sans-serif", "size": 14, "color": "--ink"},
        "hoverlabel": {"bgcolor": "--page", "bordercolor": "--line", "font": {"color": "--ink"}, "align": "left"},
        "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": "rgba(0,0,0,0)",
        "legend": {"orientation": "h", "x": 0, "y": 1.02, "yanchor": "bottom"},
        "margin": {"l": 10, "r": 20, "t": 10, "b": 10},
        "hovermode": "closest",
    }
    limit = archive.constraint.max_ms
    layout |= {} if limit is None else _bound(limit, archive.constraint.at)
    if archive.plan and archive.teacher.latency:
        front = archive.front(archive.fidelity)
        plot = _plot(archive, front)
        layout["xaxis"]["range"], layout["yaxis"]["range"] = list(plot.x), list(plot.y)
        names = list(zip(map(_spot, front), _labels(front), strict=True))
        taken = [*map(_spot, front), _spot(archive.teacher)]
        layout["annotations"] = [*layout.get("annotations", ()), *published_labels(archive, plot, taken, names)]
    return layout


def _plot(archive: Archive, front: Sequence[Record]) -> Plot:
    """What a plan's plot shows at first; a double click shows everything, also what is far slower than the teacher."""
    own = archive.teacher.latency.mean_ms if archive.teacher.latency else 1.0
    longest = 1.2 * max(own, archive.constraint.max_ms or 0.0)
    ends = [end for r in (*front, archive.teacher) if r.prior for end in (r.prior.low, r.prior.high)]
    ends += [
        y for trace in published_traces(archive) for x, y in zip(trace["x"], trace["y"], strict=True) if x < longest
    ]
    low, high = min(ends, default=0.0), max(ends, default=1.0)
    margin = 0.05 * max(high - low, 0.1)
    return Plot((0.0, longest), (low - margin, high + margin))


def _accuracy_axis(archive: Archive) -> str:
    prior = archive.teacher.prior
    return f"{escape(prior.metric)}, expected" if archive.plan and prior else "AO (average overlap)"


def _bound(limit: float, at: str) -> dict[str, Any]:
    place = {"x0": limit, "x1": limit, "yref": "paper", "y0": 0, "y1": 1}
    name = "bound" if at == "mean" else f"bound (on {at})"
    note = {"x": limit, "yref": "paper", "y": 1, "xanchor": "left", "yanchor": "top", "showarrow": False, "xshift": 5}
    return {
        "shapes": [place | {"type": "line", "line": {"color": "--bound", "width": 2, "dash": "dash"}}],
        "annotations": [
            note | {"text": f"{name} {formatting.digits(limit)} ms", "font": {"color": "--bound", "size": 13}}
        ],
    }
