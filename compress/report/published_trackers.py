"""Published trackers beside a plan's front: as a table, and as points of the plot."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from markupsafe import escape

from compress.archive import Archive
from compress.prior import DEFAULT_METRIC, TimedTracker, timed_on
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


def published_traces(archive: Archive, span: tuple[float, float], taken: Sequence[tuple[float, float]]) -> list[Any]:
    """One Plotly trace for each scope of timing, so that the legend distinguishes them.

    Args:
        span: Milliseconds and accuracy that the plot shows, by which labels are kept apart.
        taken: Points of the front, which no label should lie on.
    """
    points = published_points(archive)
    labelled = list(zip(points, _labels(points, span, taken), strict=True))
    return [_trace([each for each in labelled if each[0].speed.scope == scope], scope) for scope in _SYMBOLS]


def _trace(labelled: Sequence[tuple[TimedTracker, tuple[str, str]]], scope: str) -> dict[str, Any]:
    found = [point for point, _ in labelled]
    return {
        "x": [_spot(each)[0] for each in found],
        "y": [_spot(each)[1] for each in found],
        "hovertext": [_hover(each) for each in found],
        "hovertemplate": "%{hovertext}<extra></extra>",
        "name": f"published ({TIMED[scope]})",
        "mode": "markers+text",
        "text": [text for _, (text, _) in labelled],
        "textposition": [side for _, (_, side) in labelled],
        "textfont": {"color": "--published", "size": 11},
        "marker": {"color": "--published", "size": 9, "symbol": _SYMBOLS[scope], "line": {"width": 1.5}},
    }


def _spot(point: TimedTracker) -> tuple[float, float]:
    return 1000 / point.speed.fps, point.accuracy.value


_SIDES = {
    "middle right": (0.0, 1.0, 0.0),
    "middle left": (-1.0, 0.0, 0.0),
    "top center": (-0.5, 0.5, 1.0),
    "bottom center": (-0.5, 0.5, -1.0),
}
"""Where a label stands: from and to in widths of the label, and up in heights of a line."""

_WIDE, _HIGH = 0.0065, 0.04
"""Of a character and of a line of small print, as shares of the plot's width and height on a screen."""


def _labels(
    points: Sequence[TimedTracker], span: tuple[float, float], taken: Sequence[tuple[float, float]]
) -> list[tuple[str, str]]:
    """Label and side of each point, the most accurate first; no label where none has room: pointing shows the name."""
    scaled = [(x / span[0], y / span[1]) for x, y in (*map(_spot, points), *taken)]
    boxes: list[tuple[float, float, float]] = []
    found = [("", "middle right")] * len(points)
    named: set[tuple[str, tuple[float, float]]] = set()
    for i in sorted(range(len(points)), key=lambda i: -points[i].accuracy.value):
        (x, y), name = scaled[i], points[i].tracker.tracker
        others = [spot for spot in scaled if spot != scaled[i]]
        for side, (left, right, up) in _SIDES.items() if (name, scaled[i]) not in named else ():
            width = _WIDE * (len(name) + 2)
            box = (x + left * width, x + right * width, y + up * _HIGH)
            if _is_free(box, others, boxes):
                boxes.append(box)
                named.add((name, scaled[i]))
                found[i] = str(escape(name)), side
                break
    return found


def _is_free(
    box: tuple[float, float, float],
    points: Sequence[tuple[float, float]],
    boxes: Sequence[tuple[float, float, float]],
) -> bool:
    left, right, y = box
    if left < 0 or right > 1 or any(left < x < right and abs(y - other) < 0.6 * _HIGH for x, other in points):
        return False
    return not any(left < end and start < right and abs(y - other) < 0.9 * _HIGH for start, end, other in boxes)


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
