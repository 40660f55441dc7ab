"""The text that the plot shows when a record is pointed at."""

from __future__ import annotations

from markupsafe import escape

from compress.archive import Record
from compress.core.text import printable
from compress.report import formatting


def hover(record: Record) -> str:
    """Lines in the few tags that Plotly knows; texts of the record are escaped."""
    lines = [f"<b>{escape(record.variant)}</b>"]
    if record.accuracy:
        lines.append(f"AO {record.accuracy.ao:.3f} ± {record.accuracy.ao_se:.3f} ({record.fidelity})")
    if record.prior:
        lines.append(f"{escape(formatting.prior_accuracy(record.prior))} (prior)")
    if record.latency:
        mean, fps = formatting.digits(record.latency.mean_ms), f"{record.latency.fps:.0f} fps"
        lines.append(f"{mean} ms {formatting.provenance(record)}, {fps}")
    if record.latency and record.latency.worst_ms is not None:
        used = formatting.layers_used(record)
        lines.append(
            f"worst path {formatting.digits(record.latency.worst_ms)} ms" + (f", {used} on average" if used else "")
        )
    lines.append(str(escape(formatting.network_summary(record))))
    if record.status != "done":
        lines.append(str(escape(printable(f"{record.status}: {record.reason}", most=120))))
    return "<br>".join(lines)
