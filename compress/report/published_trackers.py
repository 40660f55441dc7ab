"""Published trackers beside a plan's front: as a table, and as points of the plot."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from markupsafe import escape

from compress.archive import Archive
from compress.prior import DEFAULT_METRIC, TimedTracker, timed_on
from compress.report.label_places import Plot, Spot, label_offsets
from compress.report.tables import Cell, Row, Table, number

TIMED = {"loop": "whole loop timed", "network": "network alone timed", "unknown": "what was timed is not stated"}
"""What a speed is of, by its scope."""

_SYMBOLS = {"loop": "cross", "network": "cross-open", "unknown": "x-open"}


def published_points(archive: Archive) -> list[TimedTracker]:
    """Speeds published on the plan's device, of trackers with a published AO.

    None where only shares of an accuracy are estimated: they stand on another axis.
    """
    prior, latency = archive.teacher.prior, archive.teacher.latency
    if prior is None or latency is None or prior.metric != DEFAULT_METRIC:
        return []
    return timed_on(latency.device, DEFAULT_METRIC)


def runtime_words(point: TimedTracker) -> str:
    """The runtime and precision of a published speed, as far as its source states them."""
    runtime = {"pytorch": "PyTorch"}.get(point.speed.runtime, point.speed.runtime)
    return " ".join(filter(None, (runtime, point.speed.precision))) or "runtime not stated"


def published_table(archive: Archive) -> Table | None:
    """Published trackers on the plan's device; None where there are none."""
    points = published_points(archive)
    if not points:
        return None
    columns = (
        ("tracker", "as its paper calls it"),
        ("AO", DEFAULT_METRIC),
        ("ms", "1000 / published fps"),
        ("fps", "published"),
        ("runtime", ""),
        ("timed", "network alone, or the whole loop"),
        ("sources", "of the speed and of the accuracy"),
        ("note", ""),
    )
    return Table("Published trackers on this device", columns, tuple(Row("published", _cells(each)) for each in points))


def published_traces(archive: Archive) -> list[dict[str, Any]]:
    """One Plotly trace for each scope of timing, so that the legend tells them apart; `published_labels` has names."""
    points = published_points(archive)
    return [_trace([each for each in points if each.speed.scope == scope], scope) for scope in _SYMBOLS]


def published_labels(
    archive: Archive, plot: Plot, taken: Sequence[Spot], labels: Sequence[tuple[Spot, str]]
) -> list[dict[str, Any]]:
    """The names of the published trackers in view, as Plotly annotations that lie on nothing else.

    Args:
        taken: Points that no name should lie on, beside the published ones.
        labels: Texts that are drawn at the top left of points.
    """
    found = dict.fromkeys((_spot(each), each.tracker.tracker) for each in published_points(archive))
    shown = sorted((each for each in found if plot.holds(each[0])), key=lambda each: -each[0][1])
    offsets = label_offsets(shown, plot, taken, labels)
    return [_label(spot, name, *offset) for (spot, name), offset in zip(shown, offsets, strict=True) if offset]


def _label(spot: Spot, name: str, right: float, down: float) -> dict[str, Any]:
    return {
        "x": spot[0],
        "y": spot[1],
        "ax": right,
        "ay": down,
        "text": str(escape(name)),
        "xanchor": "center",
        "yanchor": "middle",
        "showarrow": True,
        "arrowhead": 0,
        "arrowwidth": 1,
        "arrowcolor": "--published",
        "standoff": 5,
        "bgcolor": "--page",
        "borderpad": 0,
        "font": {"color": "--published", "size": 11},
    }


def _trace(found: Sequence[TimedTracker], scope: str) -> dict[str, Any]:
    return {
        "x": [_spot(each)[0] for each in found],
        "y": [_spot(each)[1] for each in found],
        "hovertext": [_hover(each) for each in found],
        "hovertemplate": "%{hovertext}<extra></extra>",
        "name": f"published ({TIMED[scope]})",
        "mode": "markers",
        "marker": {"color": "--published", "size": 9, "symbol": _SYMBOLS[scope], "line": {"width": 1.5}},
    }


def _spot(point: TimedTracker) -> Spot:
    return 1000 / point.speed.fps, point.accuracy.value


def _hover(point: TimedTracker) -> str:
    figure, speed = point.accuracy, point.speed
    lines = [
        f"<b>{escape(point.tracker.tracker)}</b>, published",
        f"{figure.metric} {figure.value:.3f} ({escape(figure.source)})",
        f"{1000 / speed.fps:.1f} ms, {speed.fps:g} fps, {escape(runtime_words(point))}, {TIMED[speed.scope]}",
        f"({escape(speed.source)})",
    ]
    return "<br>".join([*lines, *(str(escape(note)) for note in point.notes)])


def _cells(point: TimedTracker) -> tuple[Cell, ...]:
    figure, speed = point.accuracy, point.speed
    return (
        Cell(point.tracker.tracker),
        number(figure.value, ".3f"),
        number(1000 / speed.fps),
        number(speed.fps, "g"),
        Cell(runtime_words(point)),
        Cell(TIMED[speed.scope]),
        Cell(f"{speed.source}; {figure.source}"),
        Cell("; ".join(point.notes)),
    )
