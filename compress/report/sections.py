"""The tables of the page."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from compress.archive import Archive, Record, adaptive
from compress.report import formatting
from compress.report.tables import Cell, Row, Table, number

_Column = tuple[str, str, Callable[[Archive, Record], Cell]]


def _accuracy(name: str, form: str = ".3f") -> Callable[[Archive, Record], Cell]:
    return lambda _, r: number(getattr(r.accuracy, name) if r.accuracy else None, form)


def _latency(name: str, form: str = "") -> Callable[[Archive, Record], Cell]:
    return lambda _, r: number(getattr(r.latency, name) if r.latency else None, form)


def _percentile(name: str) -> Callable[[Archive, Record], Cell]:
    """Unknown of estimates, which are means."""
    return lambda _, r: number(getattr(r.latency, name) if r.latency and r.latency.runs else None)


def _text(read: Callable[[Record], Any]) -> Callable[[Archive, Record], Cell]:
    return lambda _, r: Cell(str(read(r)))


_VARIANT: _Column = ("variant", "v017 is trial 17", _text(lambda r: r.variant))
_AO: _Column = ("AO", "average overlap, pooled over frames", _accuracy("ao"))
_MS: _Column = ("ms", "mean latency per frame", _latency("mean_ms"))
_HOW: _Column = ("latency is", "how the latency was obtained", _text(formatting.how))
_PARAMS: _Column = ("params, M", "parameters, millions", lambda _, r: number(r.params / 1e6))
_FIDELITY: _Column = ("AO is", "fidelity: how far it was trained", _text(lambda r: "–" if r.ao is None else r.fidelity))
_DEPTH: _Column = ("layers", "transformer blocks", lambda _, r: number(len(r.spec.layers), "d"))

_PER_FRAME: tuple[_Column, ...] = (
    ("worst path", "mean latency where every frame takes the most expensive path, ms", lambda a, r: _worst(a, r)),
    ("layers used", "computed per frame, on average", lambda _, r: number(r.layers_used, ".1f")),
    ("per frame", "what is decided per frame", _text(lambda r: adaptive(r.spec) or "–")),
)
"""Of archives that hold adaptive trackers."""

_FRONT: tuple[_Column, ...] = (
    _VARIANT,
    _AO,
    ("± SE", "standard error, bootstrap over sequences", _accuracy("ao_se")),
    ("SR50", "share of frames with an overlap above 0.5", _accuracy("sr50")),
    ("SR75", "share of frames with an overlap above 0.75", _accuracy("sr75")),
    _MS,
    _HOW,
    ("p50", "median latency, ms", _percentile("p50_ms")),
    ("p90", "90th percentile, ms", _percentile("p90_ms")),
    ("p99", "99th percentile, ms", _percentile("p99_ms")),
    ("fps", "1000 / mean latency", _latency("fps", ".0f")),
    ("speedup", "teacher's mean latency over this one's", lambda a, r: number(formatting.speedup(a, r), ".2f", "×")),
    _PARAMS,
    ("MACs, G", "multiply-accumulates of a full forward, billions", lambda _, r: number(r.macs / 1e9)),
    _FIDELITY,
    _DEPTH,
    ("FE + AI", "feature-extraction and interaction layers", _text(lambda r: formatting.split(r.spec))),
    ("MLP ratio", "hidden over input dimensions", _text(lambda r: formatting.ratio(r.spec))),
    ("μ", "share of dimensions removed", _text(lambda r: formatting.removed(r.spec))),
    ("from teacher layers", "which layers the weights come from", _text(lambda r: _sources(r))),
)


def _prior(name: str) -> Callable[[Archive, Record], Cell]:
    return lambda _, r: number(getattr(r.prior, name) if r.prior else None, ".3f")


_ESTIMATED: tuple[_Column, ...] = (
    ("AO expected", "from published ablations: nothing was trained", _prior("mean")),
    ("at least", "lower end of its interval", _prior("low")),
    ("at most", "upper end of its interval", _prior("high")),
)
"""Of plans, in place of what was scored."""

_NOT_OF_PLANS = ("AO", "± SE", "SR50", "SR75", "p50", "p90", "p99", "rungs", "layers used")

_TRIALS: tuple[_Column, ...] = (
    _VARIANT,
    ("status", "what became of it", _text(lambda r: r.status)),
    _AO,
    _FIDELITY,
    _MS,
    _HOW,
    ("network", "", _text(formatting.network)),
    ("rungs", "AO over sequences after each", _text(lambda r: _rungs(r))),
    ("reason", "", _text(lambda r: r.reason)),
)


def front_note(archive: Archive) -> str:
    """How many variants are on the front, and how much it dominates."""
    count, fidelity = len(archive.front(archive.fidelity)), archive.fidelity
    box = f"of the box up to {'the bound' if archive.constraint.max_ms else 'the latency of the teacher'} and AO 1"
    volume = f"hypervolume {archive.hypervolume(fidelity):.3f} {box}"
    return f"{count} variant{'' if count == 1 else 's'} at fidelity {fidelity}, and the teacher; {volume}."


def front_table(archive: Archive) -> Table:
    """The front and the teacher."""
    columns = _of_plan(archive, _with_paths(archive, _FRONT, after="p99"))
    return _table(archive, columns, archive.front_table(), "The front and the teacher")


def trials_table(archive: Archive) -> Table:
    """Everything that was tried."""
    columns = _of_plan(archive, _with_paths(archive, _TRIALS, after="latency is"))
    return _table(archive, columns, list(archive.records), "Everything that was tried")


def any_adaptive(archive: Archive) -> bool:
    """Whether something that decides per frame was tried."""
    return any(record.spec.adaptive for record in (*archive.records, archive.teacher))


def _with_paths(archive: Archive, columns: tuple[_Column, ...], after: str) -> tuple[_Column, ...]:
    place = [title for title, _, _ in columns].index(after) + 1
    return (*columns[:place], *_PER_FRAME, *columns[place:]) if any_adaptive(archive) else columns


def _of_plan(archive: Archive, columns: tuple[_Column, ...]) -> tuple[_Column, ...]:
    """The columns themselves, unless nothing was trained or timed: then what is estimated, after the variant's name."""
    if archive.plan is None:
        return columns
    first, *others = (column for column in columns if column[0] not in _NOT_OF_PLANS)
    reason: _Column = ("note", "what sets its estimates apart", _text(lambda r: r.reason))
    return (first, *_ESTIMATED, *others, *(() if "reason" in [title for title, _, _ in others] else (reason,)))


def _worst(archive: Archive, record: Record) -> Cell:
    """The figure, and whether it is over the bound that the variant keeps otherwise."""
    cell = number(record.latency.worst_ms if record.latency else None)
    return Cell(f"{cell.text} over", cell.key) if archive.constraint.met_at_worst(record.latency) is False else cell


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
    return _table(archive, columns, both, "Predicted and measured latency"), note


def _untimed(archive: Archive) -> str:
    latency = archive.teacher.latency
    if latency and latency.provenance == "estimated":
        return "No variant was timed: every latency is estimated from published speeds. Measure on the device."
    return "No variant has been timed whole yet; every latency is predicted from its parts."


def _worst_error(record: Record) -> float | None:
    """predicted / measured − 1 on the worst path."""
    predicted, measured = (each and each.worst_ms for each in (record.predicted, record.measured))
    return predicted / measured - 1 if predicted and measured else None


_AT_WORST: _Column = ("on the worst path", "predicted / measured − 1", lambda _, r: number(_worst_error(r), "+.1%"))


def _off(errors: Iterable[float]) -> str:
    sizes = [abs(error) for error in errors]
    return f"{sum(sizes) / len(sizes):.1%} on average, {max(sizes):.1%} at most"


_ERRORS: tuple[_Column, ...] = (
    _VARIANT,
    ("predicted, ms", "summed from measured parts", lambda _, r: number(r.predicted.mean_ms if r.predicted else None)),
    ("measured, ms", "the whole network", lambda _, r: number(r.measured.mean_ms if r.measured else None)),
    ("difference", "predicted / measured − 1", lambda _, r: number(r.latency_error, "+.1%")),
    ("meets the bound", "by the measured figure", lambda a, r: Cell("yes" if a.constraint.met_by(r.latency) else "no")),
    ("status", "what became of it", _text(lambda r: r.status)),
)


def _table(archive: Archive, columns: tuple[_Column, ...], records: list[Record], label: str) -> Table:
    rows = (
        Row("teacher" if record.is_teacher else record.status, tuple(read(archive, record) for _, _, read in columns))
        for record in records
    )
    return Table(label, tuple((title, note) for title, note, _ in columns), tuple(rows))


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
