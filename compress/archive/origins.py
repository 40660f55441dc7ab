"""What became of students by how their layers were chosen: the controls of a search beside those that it chose."""

from __future__ import annotations

from collections.abc import Iterable

from compress.archive.record import Record


def origin_sentences(records: Iterable[Record]) -> str:
    """How many of each origin were scored and trained, and the best AO among these. Plain text; empty without any."""
    groups: dict[str, list[Record]] = {}
    for record in records:
        if record.origin and record.accuracy is not None:
            groups.setdefault(record.origin, []).append(record)
    if not groups:
        return ""
    return "Layers chosen by " + "; ".join(_fate(origin, group) for origin, group in groups.items()) + "."


def _fate(origin: str, group: list[Record]) -> str:
    trained = [record for record in group if record.fidelity == "full"]
    text = f"{origin}: {len(group)} scored, {len(trained)} trained to the end"
    best = max((record.ao or 0.0 for record in trained), default=None)
    return text if best is None else f"{text}, best AO {best:.3f}"
