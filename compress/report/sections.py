"""The front and everything that was tried, as tables."""

from __future__ import annotations

from collections.abc import Callable

from compress.archive import Archive, Record, adaptive, time_spent, versus_next
from compress.report import formatting
from compress.report.columns import (
    VARIANT,
    Column,
    accuracy_cell,
    latency_cell,
    percentile_cell,
    records_table,
    text_cell,
)
from compress.report.tables import Cell, Row, Table, number

_AO: Column = ("AO", "average overlap, pooled over frames", accuracy_cell("ao"))
_MS: Column = ("ms", "mean latency per frame", latency_cell("mean_ms"))
_HOW: Column = ("latency is", "how the latency was obtained", text_cell(formatting.provenance))
_PARAMS: Column = ("params, M", "parameters, millions", lambda _, r: number(r.params / 1e6))
_RUNS_IN: Column = ("runs in", "precision that it is timed and exported in", lambda a, r: Cell(a.runs_in(r)))
_FIDELITY: Column = (
    "AO is",
    "fidelity: how far it was trained",
    text_cell(lambda r: "–" if r.ao is None else r.fidelity),
)
_DEPTH: Column = ("layers", "transformer blocks", lambda _, r: number(len(r.spec.layers), "d"))

_PER_FRAME: tuple[Column, ...] = (
    ("worst path", "mean latency where every frame takes the most expensive path, ms", lambda a, r: _worst(a, r)),
    ("layers used", "computed per frame, on average", lambda _, r: number(r.layers_used, ".1f")),
    ("per frame", "what is decided per frame", text_cell(lambda r: adaptive(r.spec) or "–")),
)
"""Of archives that hold adaptive trackers."""

_NEXT: Column = (
    "vs. next",
    "mean AO over sequences beyond that of the next faster one, and the standard error of this paired difference",
    lambda a, r: _versus_next(a, r),
)

_FRONT: tuple[Column, ...] = (
    VARIANT,
    _AO,
    ("± SE", "standard error, bootstrap over sequences", accuracy_cell("ao_se")),
    _NEXT,
    ("SR50", "share of frames with an overlap above 0.5", accuracy_cell("sr50")),
    ("SR75", "share of frames with an overlap above 0.75", accuracy_cell("sr75")),
    _MS,
    _HOW,
    ("p50", "median latency, ms", percentile_cell("p50_ms")),
    ("p90", "90th percentile, ms", percentile_cell("p90_ms")),
    ("p99", "99th percentile, ms", percentile_cell("p99_ms")),
    ("fps", "1000 / mean latency", latency_cell("fps", ".0f")),
    ("speedup", "teacher's mean latency over this one's", lambda a, r: number(formatting.speedup(a, r), ".2f", "×")),
    _PARAMS,
    ("MACs, G", "multiply-accumulates of a full forward, billions", lambda _, r: number(r.macs / 1e9)),
    _FIDELITY,
    _DEPTH,
    ("FE + AI", "feature-extraction and interaction layers", text_cell(lambda r: formatting.attention_split(r.spec))),
    ("MLP ratio", "hidden over input dimensions", text_cell(lambda r: formatting.mlp_ratio(r.spec))),
    ("μ", "share of dimensions removed", text_cell(lambda r: formatting.removed_share(r.spec))),
    ("from teacher layers", "which layers the weights come from", text_cell(lambda r: _sources(r))),
)


def _prior(name: str) -> Callable[[Archive, Record], Cell]:
    return lambda _, r: number(getattr(r.prior, name) if r.prior else None, ".3f")


_ESTIMATED: tuple[Column, ...] = (
    ("AO expected", "from published ablations: nothing was trained", _prior("mean")),
    ("at least", "lower end of its interval", _prior("low")),
    ("at most", "upper end of its interval", _prior("high")),
)
"""Of plans, in place of what was scored."""

_NOT_OF_PLANS = ("AO", "± SE", "vs. next", "SR50", "SR75", "p50", "p90", "p99", "rungs", "layers used")

_TRIALS: tuple[Column, ...] = (
    VARIANT,
    ("status", "what became of it", text_cell(lambda r: r.status)),
    _AO,
    _FIDELITY,
    _MS,
    _HOW,
    ("network", "", lambda a, r: Cell(formatting.network_summary(r, a.teacher.spec))),
    ("rungs", "AO over sequences after each", text_cell(lambda r: _rungs(r))),
    ("reason", "", text_cell(lambda r: r.reason)),
)


def front_note(archive: Archive) -> str:
    """How many variants are on the front, and how much it dominates."""
    count, fidelity = len(archive.front(archive.fidelity)), archive.fidelity
    box = f"of the box up to {'the bound' if archive.constraint.max_ms else 'the latency of the teacher'} and AO 1"
    volume = f"hypervolume {archive.hypervolume(fidelity):.3f} {box}"
    return f"{count} variant{'' if count == 1 else 's'} at fidelity {fidelity}, and the teacher; {volume}."


def front_table(archive: Archive) -> Table:
    """The front and the teacher."""
    columns = _of_plan(archive, _with_paths(archive, _with_precision(archive, _FRONT), after="p99"))
    return records_table(archive, columns, archive.front_table(), "The front and the teacher")


def trials_table(archive: Archive) -> Table:
    """Everything that was tried."""
    columns = _of_plan(archive, _with_paths(archive, _with_precision(archive, _TRIALS), after="latency is"))
    return records_table(archive, columns, list(archive.records), "Everything that was tried")


def time_table(archive: Archive) -> Table:
    """Where the time of the search went; no rows where that was not noted."""
    found = time_spent(archive)
    total = sum(each.seconds for each in found)
    rows = (
        Row(
            "done",
            (
                Cell(each.phase),
                number(each.seconds, ".1f"),
                number(each.seconds / total, ".0%"),
                number(each.jobs or None, "d"),
            ),
        )
        for each in found
        if total
    )
    columns = (
        ("phase", "without the phases within it"),
        ("seconds", "in all processes together, so more than passed where several worked at once"),
        ("share", "of all seconds"),
        ("jobs", "students that it was done for; none of what is done for all of them"),
    )
    return Table("Where the time went", columns, tuple(rows))


def any_adaptive(archive: Archive) -> bool:
    """Whether something that decides per frame was tried."""
    return any(record.spec.adaptive for record in (*archive.records, archive.teacher))


def _with_paths(archive: Archive, columns: tuple[Column, ...], after: str) -> tuple[Column, ...]:
    place = [title for title, _, _ in columns].index(after) + 1
    return (*columns[:place], *_PER_FRAME, *columns[place:]) if any_adaptive(archive) else columns


def _with_precision(archive: Archive, columns: tuple[Column, ...]) -> tuple[Column, ...]:
    """With a column of it behind that of latency, where it is not the same for all."""
    place = columns.index(_HOW) + 1
    return (*columns[:place], _RUNS_IN, *columns[place:]) if archive.mixed else columns


def _of_plan(archive: Archive, columns: tuple[Column, ...]) -> tuple[Column, ...]:
    """The columns themselves, unless nothing was trained or timed: then what is estimated, after the variant's name."""
    if archive.plan is None:
        return columns
    first, *others = (column for column in columns if column[0] not in _NOT_OF_PLANS)
    reason: Column = ("note", "what sets its estimates apart", text_cell(lambda r: r.reason))
    return (first, *_ESTIMATED, *others, *(() if "reason" in [title for title, _, _ in others] else (reason,)))


def _worst(archive: Archive, record: Record) -> Cell:
    """The figure, and whether it is over the bound that the variant keeps otherwise."""
    cell = number(record.latency.worst_ms if record.latency else None)
    return Cell(f"{cell.text} over", cell.key) if archive.constraint.met_at_worst(record.latency) is False else cell


def _versus_next(archive: Archive, record: Record) -> Cell:
    """`+0.013 ± 0.006`, and whether that may be chance."""
    found = versus_next(archive, record)
    if found is None:
        return Cell("–")
    return Cell(f"{found}, within noise" if found.within_noise else str(found), found.mean)


def _sources(record: Record) -> str:
    """`0–3 6 8`: which of the teacher's layers were kept, runs of three and more drawn together."""
    runs: list[list[int]] = []
    for source in (layer.source for layer in record.spec.layers):
        if runs and source == runs[-1][-1] + 1:
            runs[-1].append(source)
        else:
            runs.append([source])
    return " ".join(f"{run[0]}–{run[-1]}" if len(run) > 2 else " ".join(map(str, run)) for run in runs)


def _rungs(record: Record) -> str:
    """`rung-0 0.31 → rung-1 0.44`; whatever else a rung holds stays in the study."""
    steps = [(rung.get("fidelity"), rung.get("ao_seq")) for rung in record.rungs]
    return " → ".join(f"{name} {ao:.2f}" for name, ao in steps if isinstance(ao, float))
