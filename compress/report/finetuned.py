"""Variants that were trained on after the search: beside their parents, and apart from the front."""

from __future__ import annotations

from collections.abc import Callable

from compress.archive import Archive, Improvement, Lineage, Record
from compress.report.columns import (
    VARIANT,
    Column,
    accuracy_cell,
    latency_cell,
    records_table,
    text_cell,
)
from compress.report.tables import Cell, Table, number


def finetuned_table(archive: Archive) -> Table:
    """A row for each fine-tuned variant; none of a search that nothing was made of yet."""
    return records_table(archive, _COLUMNS, list(archive.finetuned), "Fine-tuned variants")


def finetuned_sentence(record: Record) -> str:
    """What a fine-tuned variant has gained over its parent. Plain text."""
    lineage = record.lineage
    assert lineage is not None
    text = f"{record.variant}: {lineage.parent} trained for {lineage.steps} more steps on {lineage.train_data}"
    gains = [_gain(each) for each in (lineage.validation, lineage.evaluation) if each is not None]
    return f"{text}; {' and '.join(gains)}." if gains else f"{text}."


def _gain(found: Improvement) -> str:
    noise = ", within noise" if found.difference.within_noise else ""
    return f"AO {found.difference}{noise} against {found.parent_ao:.3f}, over the {found.sequences} of {found.data}"


def _compared(read: Callable[[Lineage], Improvement | None]) -> Callable[[Archive, Record], Cell]:
    """`+0.013 ± 0.006`, and whether that may be chance."""

    def cell(_: Archive, record: Record) -> Cell:
        found = None if record.lineage is None else read(record.lineage)
        if found is None:
            return Cell("–")
        text = f"{found.difference}, within noise" if found.difference.within_noise else str(found.difference)
        return Cell(text, found.mean)

    return cell


def _speedup(_: Archive, record: Record) -> Cell:
    """Of the session in which all of them were timed."""
    teacher = record.lineage.beside.get("teacher") if record.lineage else None
    own = record.measured
    return number(teacher.mean_ms / own.mean_ms if teacher and own else None, ".2f", "×")


def _parent_ms(_: Archive, record: Record) -> Cell:
    parent = record.lineage.beside.get(record.lineage.parent) if record.lineage else None
    return number(parent.mean_ms if parent else None)


def _lineage(name: str) -> Callable[[Record], object]:
    return lambda record: getattr(record.lineage, name)


_COLUMNS: tuple[Column, ...] = (
    VARIANT,
    ("parent", "whose weights it started from", text_cell(_lineage("parent"))),
    ("AO", "average overlap, pooled over frames", accuracy_cell("ao")),
    ("± SE", "standard error, bootstrap over sequences", accuracy_cell("ao_se")),
    (
        "vs. parent",
        "mean AO over the sequences of the search beyond the parent's, and the standard error of that difference",
        _compared(lambda lineage: lineage.evaluation),
    ),
    (
        "on validation data",
        "likewise on sequences that neither the search nor the training has seen",
        _compared(lambda lineage: lineage.validation),
    ),
    ("ms", "mean latency per frame", latency_cell("mean_ms")),
    ("parent's ms", "timed in the same session", _parent_ms),
    ("speedup", "over the teacher, timed in the same session", _speedup),
    ("steps", "of this training", lambda _, r: number(r.lineage.steps if r.lineage else None, "d")),
    ("recipe", "how it was trained", text_cell(_lineage("recipe"))),
    ("trained on", "the source of its pairs", text_cell(_lineage("train_data"))),
    ("AO is", "fidelity: how far it was trained", text_cell(lambda r: r.fidelity)),
    ("status", "whether it keeps the bound", text_cell(lambda r: r.reason or r.status)),
)
