"""Predicted against measured latency."""

from __future__ import annotations

from collections.abc import Iterable

from compress.archive import Archive, Record
from compress.report.columns import VARIANT, Column, records_table, text_cell
from compress.report.tables import Cell, Table, number


def errors_table(archive: Archive) -> tuple[Table | None, str]:
    """Predicted against measured latency, and a sentence that sums it up."""
    both = [r for r in (*archive.records, archive.teacher) if r.latency_error is not None]
    if not both:
        return None, _untimed(archive)
    note = f"{len(both)} networks timed whole: the prediction is off by {_off(r.latency_error or 0.0 for r in both)}."
    drift = archive.teacher.latency_error
    if drift is not None and len(both) > 1:
        # What all have in common is how fast the machine ran on the two occasions.
        relative = [(1 + (r.latency_error or 0.0)) / (1 + drift) - 1 for r in both if not r.is_teacher]
        note += f" As a speed-up over the teacher, timed in the same run, it is off by {_off(relative)}."
    columns = _ERRORS if not any(_worst_error(record) is not None for record in both) else (*_ERRORS, _AT_WORST)
    return records_table(archive, columns, both, "Predicted and measured latency"), note


def _untimed(archive: Archive) -> str:
    latency = archive.teacher.latency
    if latency and latency.provenance == "estimated":
        return "No variant was timed: every latency is estimated from published speeds. Measure on the device."
    return "No variant has been timed whole yet; every latency is predicted from its components."


def _worst_error(record: Record) -> float | None:
    """predicted / measured − 1 on the worst path."""
    predicted, measured = (each and each.worst_ms for each in (record.predicted, record.measured))
    return predicted / measured - 1 if predicted and measured else None


_AT_WORST: Column = ("on the worst path", "predicted / measured − 1", lambda _, r: number(_worst_error(r), "+.1%"))


def _off(errors: Iterable[float]) -> str:
    sizes = [abs(error) for error in errors]
    return f"{sum(sizes) / len(sizes):.1%} on average, {max(sizes):.1%} at most"


_ERRORS: tuple[Column, ...] = (
    VARIANT,
    (
        "predicted, ms",
        "summed from measured components",
        lambda _, r: number(r.predicted.mean_ms if r.predicted else None),
    ),
    ("measured, ms", "the whole network", lambda _, r: number(r.measured.mean_ms if r.measured else None)),
    ("difference", "predicted / measured − 1", lambda _, r: number(r.latency_error, "+.1%")),
    ("meets the bound", "by the measured figure", lambda a, r: Cell("yes" if a.constraint.met_by(r.latency) else "no")),
    ("status", "what became of it", text_cell(lambda r: r.status)),
)
