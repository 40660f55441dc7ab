"""Which execution paths the frames of adaptive variants took, as histograms."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from compress.archive import Archive, Record
from compress.report import formatting

_ROWS = 12
"""Bars of a variant; what is left is summed up."""


@dataclass(frozen=True)
class Histogram:
    """Shares of a variant's frames by layers computed and exit taken; the shares add up to 1."""

    title: str
    bars: tuple[tuple[str, float], ...]


def histograms(archive: Archive) -> list[Histogram]:
    """One for the teacher and each variant of the front whose frames were counted."""
    return [_histogram(record) for record in archive.front_table() if record.spec.adaptive and record.paths]


def _histogram(record: Record) -> Histogram:
    frames = sum((record.paths or {}).values())
    mean = f"{formatting.layers_used(record)} on average"
    title = f"{record.variant}: {formatting.decisions(record.spec)}; {mean}, {frames} frames"
    return Histogram(title, tuple((name, count / frames) for name, count in _groups(record)))


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
    computed = f"{layers} layer{'' if layers == 1 else 's'}"
    early = exit is not None and len(record.spec.exits) > 1
    return f"{computed}, exit {exit + 1} of {len(record.spec.exits)}" if early and exit is not None else computed
