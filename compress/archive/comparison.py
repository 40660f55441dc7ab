"""Differences between trackers that were scored on the same sequences, and which of them may be noise."""

from __future__ import annotations

from typing import TYPE_CHECKING

from compress.archive.paired_difference import PairedDifference, paired_difference

if TYPE_CHECKING:
    from compress.archive.archive import Archive
    from compress.archive.record import Record


def versus_next(archive: Archive, record: Record) -> PairedDifference | None:
    """Of a member of the front against the next faster one, of the teacher against the slowest: what the time buys.

    None of the fastest, of a variant off the front, and where either was scored without the figures of each sequence.
    """
    rows = archive.front_table()
    place = next((i for i, each in enumerate(rows) if each is record), 0)
    return _between(record, rows[place - 1]) if place else None


def within_noise(archive: Archive) -> list[tuple[Record, Record, PairedDifference]]:
    """Neighbours on the front, the slower one first, that the sequences do not tell apart."""
    front = archive.front(archive.fidelity)
    found = [(slow, fast, _between(slow, fast)) for fast, slow in zip(front, front[1:], strict=False)]
    return [(slow, fast, each) for slow, fast, each in found if each is not None and each.within_noise]


def _between(record: Record, other: Record) -> PairedDifference | None:
    mine, theirs = (each.accuracy.sequence_aos if each.accuracy else () for each in (record, other))
    return paired_difference(mine, theirs) if mine and len(mine) == len(theirs) else None
