"""Which ways the frames of adaptive variants took, as bars."""

from __future__ import annotations

from collections import Counter

from compress.archive import Archive, Record
from compress.report import formatting
from compress.report.markup import Markup, escape

_ROWS = 12
"""Bars of a variant; what is left is summed up."""


def paths_section(archive: Archive) -> Markup:
    """A heading, and a histogram for the teacher and each variant of the front whose frames were counted."""
    shown = [record for record in archive.front_table() if record.spec.adaptive and record.paths]
    if not shown:
        return Markup("")
    told = (
        "Frames of the evaluation by the layers that were computed for them. Mean and percentiles of the latency are "
        "over these frames; the worst path computes every layer."
    )
    return Markup(f"<h2>Ways taken</h2>\n<p>{escape(told)}</p>\n{''.join(map(_histogram, shown))}")


def _histogram(record: Record) -> Markup:
    frames = sum((record.paths or {}).values())
    title = (
        f"{record.variant}: {formatting.decided(record.spec)}; {formatting.used(record)} on average, {frames} frames"
    )
    bars = "".join(_bar(name, count / frames) for name, count in _groups(record))
    return Markup(f'<table class="ways"><caption>{escape(title)}</caption><tbody>{bars}</tbody></table>')


def _groups(record: Record) -> list[tuple[str, int]]:
    """Frames by layers computed and exit taken, fewest layers first; the rarest together at the end."""
    found: Counter[tuple[int, int | None]] = Counter()
    for path, count in (record.paths or {}).items():
        found[path.layers(record.spec), path.exit] += count
    kept = sorted(sorted(found, key=lambda key: -found[key])[:_ROWS], key=lambda key: (key[0], key[1] or 0))
    rest = sum(found.values()) - sum(found[key] for key in kept)
    rows = [(_name(record, *key), found[key]) for key in kept]
    return [*rows, ("others", rest)] if rest else rows


def _name(record: Record, layers: int, exit: int | None) -> str:
    said = f"{layers} layer{'' if layers == 1 else 's'}"
    early = exit is not None and len(record.spec.exits) > 1
    return f"{said}, exit {exit + 1} of {len(record.spec.exits)}" if early and exit is not None else said


def _bar(name: str, share: float) -> str:
    return (
        f'<tr><th scope="row">{escape(name)}</th><td class="number">{share:.1%}</td>'
        f'<td class="bar"><span style="width:{100 * share:.1f}%"></span></td></tr>'
    )
