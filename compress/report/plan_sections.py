"""A plan on the page: its summary, what it estimated, and published trackers beside it."""

from __future__ import annotations

from typing import Any

from markupsafe import escape

from compress.archive import SHARE, Archive, Plan, Record
from compress.prior import DEFAULT_METRIC, PublishedTracker, Speed, published
from compress.report import formatting
from compress.report.tables import Cell, Row, Table, number

NOTHING_DONE = "Plan: nothing was trained or timed, every figure is an estimate."


def plan_summary(archive: Archive, record: Record) -> str:
    """The most accurate of the front against the teacher. Plain text."""
    own, teacher = record.latency, archive.teacher
    assert own is not None
    assert record.prior is not None
    times = formatting.speedup(archive, record)
    text = f"{record.variant}: {formatting.digits(own.mean_ms)} ms {formatting.provenance(record)} ({own.fps:.0f} fps)"
    if teacher.latency and times:
        theirs = f"{formatting.digits(teacher.latency.mean_ms)} ms {teacher.latency.provenance}"
        text += f", {times:.1f}× as fast as the teacher ({theirs})"
    text += f"; {formatting.prior_accuracy(record.prior)}"
    if record.prior.metric != SHARE:
        text += f" where the teacher has {record.prior.teacher:.2f} published ({record.prior.source})"
    worst = formatting.worst_path(archive.constraint, record)
    return f"{NOTHING_DONE} {text}." + (f" Its worst path takes {worst}." if worst else "")


def plan_statements(archive: Archive, plan: Plan) -> list[str]:
    """What was estimated, and the notes on it."""
    which = "All" if plan.whole else "A sample of"
    of = f"{plan.estimated} different students of the space {plan.space}"
    out_of = "" if plan.whole else f", which has {plan.combinations} combinations of choices"
    return [
        f"{which} {of}{out_of}: {plan.within} of them meet the bound by estimate. All are in plan.csv; the front and "
        f"what lies nearest to it are the {len(archive.records)} trials of this run.",
        f"No estimate distinguishes {plan.duplicates} of them from another one that was estimated, such as students "
        "that keep other layers of the teacher: the trials hold one of each.",
        *plan.notes,
    ]


def plan_method(archive: Archive, plan: Plan) -> list[str]:
    """How the figures were obtained, a statement each."""
    prior, latency = archive.teacher.prior, archive.teacher.latency
    device = f"{latency.device}, {latency.runtime}" if latency else "the device"
    how = latency.provenance if latency else "estimated"
    off = "How far it is off is not known."
    if plan.mean_error is not None and plan.max_error is not None:
        off = f"On trackers left out it is off by {plan.mean_error:.1%} on average, {plan.max_error:.1%} at most."
    lines = [
        f"Latency is {how} for {device}, from {plan.basis}: milliseconds per frame at batch 1 for crop, normalise, "
        f"network and decode. {off} {plan.limits}",
        "Adaptive variants skip layers or leave early, frame by frame. “At best” is the operating point that both "
        "estimates take: the share τ0 of the layers skipped and the first exit taken. Worst path computes every layer.",
        "Accuracy is at fidelity prior: the share of the teacher's accuracy that published ablations suggest for "
        "a student trained as the papers train theirs. Its interval is wide enough to hold every published row, "
        "predicted without its own paper.",
    ]
    if prior and prior.metric == SHARE:
        lines.append("Nothing is published of this teacher's accuracy, so only shares of it can be estimated.")
    elif prior:
        lines.append(f"It is based on {prior.metric} {prior.teacher:.3f} of the teacher ({prior.source}).")
    return lines


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
    rows = tuple(Row("published", _cells(tracker, speed)) for tracker, speed in points)
    return Table("Published trackers on this device", columns, rows)


def published_points(archive: Archive) -> list[tuple[PublishedTracker, Speed]]:
    """Trackers with a published AO and speed on the device; none where only shares of an accuracy are estimated."""
    prior = archive.teacher.prior
    if prior is None or prior.metric != DEFAULT_METRIC:
        return []
    device = str(archive.settings.get("target", "")).split(":")[0]
    return [
        (tracker, speed)
        for tracker in published()
        for speed in tracker.speeds
        if speed.target == device and DEFAULT_METRIC in tracker.accuracies
    ]


def published_traces(archive: Archive) -> list[dict[str, Any]]:
    """One trace for each scope of timing, so that the legend distinguishes them."""
    points = published_points(archive)
    traces = []
    for scope, symbol in (("loop", "cross"), ("network", "cross-open"), ("unknown", "x-open")):
        found = [(tracker, speed) for tracker, speed in points if speed.scope == scope]
        traces.append(
            {
                "x": [1000 / speed.fps for _, speed in found],
                "y": [tracker.accuracies[DEFAULT_METRIC].value for tracker, _ in found],
                "hovertext": [_hover(tracker, speed) for tracker, speed in found],
                "hovertemplate": "%{hovertext}<extra></extra>",
                "name": f"published ({_TIMED[scope]})",
                "mode": "markers+text",
                # Those timed as networks alone stand among the front, and are named when pointed at.
                "text": ["" if scope == "network" else str(escape(tracker.tracker)) for tracker, _ in found],
                "textposition": "middle right",
                "textfont": {"color": "--published", "size": 11},
                "marker": {"color": "--published", "size": 9, "symbol": symbol, "line": {"width": 1.5}},
            }
        )
    return traces


_TIMED = {"loop": "whole loop timed", "network": "network alone timed", "unknown": "timing unknown"}


def _hover(tracker: PublishedTracker, speed: Speed) -> str:
    figure = tracker.accuracies[DEFAULT_METRIC]
    lines = [
        f"<b>{escape(tracker.tracker)}</b>, published",
        f"{figure.metric} {figure.value:.3f} ({escape(figure.source)})",
        f"{1000 / speed.fps:.1f} ms, {speed.fps:g} fps, {speed.runtime}, {_TIMED[speed.scope]}",
        f"({escape(speed.source)})",
    ]
    return "<br>".join([*lines, str(escape(figure.note))] if figure.note else lines)


def _cells(tracker: PublishedTracker, speed: Speed) -> tuple[Cell, ...]:
    figure = tracker.accuracies[DEFAULT_METRIC]
    return (
        Cell(tracker.tracker),
        number(figure.value, ".3f"),
        number(1000 / speed.fps),
        number(speed.fps, "g"),
        Cell(" ".join(filter(None, (speed.runtime, speed.precision)))),
        Cell(_TIMED[speed.scope]),
        Cell(f"{speed.source}; {figure.source}"),
        Cell(figure.note),
    )
