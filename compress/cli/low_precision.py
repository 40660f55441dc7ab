"""`--precision` of `compress export`: what it costs is measured, printed, and held against `--max-drop`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar

import click

from compress.cli.number_types import Number
from compress.core.ranges import AO_DROP

if TYPE_CHECKING:
    from compress.core import Accuracy, Latency
    from compress.core.progress import Progress
    from compress.export import LowPrecision, TrainedTracker
    from compress.geometry import LoopSettings
    from compress.runtime.signatures import Form

_F = TypeVar("_F", bound=Callable[..., Any])


def precision_options(function: _F) -> _F:
    """`--precision`, `--calibration`, `--train-data` and `--max-drop`."""
    options = [
        click.option(
            "--precision",
            type=click.Choice(["fp32", "fp16", "int8"]),
            help="Of the graphs (default: what the variant was scored in). AO and speed before and after are printed.",
        ),
        click.option(
            "--calibration",
            type=click.Choice(["dynamic", "entropy", "percentile"]),
            help="Of int8: ranges of activations as they come (default), or found beforehand on training pairs.",
        ),
        click.option(
            "--train-data",
            metavar="SOURCE",
            help="Pairs that ranges and the layers left in float are found on (default: RUN's, else generated).",
        ),
        click.option(
            "--max-drop",
            type=Number(AO_DROP),
            help="AO that the precision may cost on the search sequences of --data (default 0.02); more is refused.",
        ),
    ]
    for option in reversed(options):
        function = option(function)
    return function


@dataclass(frozen=True)
class Converted:
    """What is exported.

    Attributes:
        low: As `export_bundle` takes it.
        measured: What the precision costs, in plain JSON types; empty where the search has measured it.
        lines: The same as text.
    """

    accuracy: Accuracy | None
    latency: Latency | None
    low: tuple[LowPrecision, Mapping[str, bytes]] | None = None
    measured: dict[str, Any] = field(default_factory=dict)
    lines: tuple[str, ...] = ()

    @property
    def precision(self) -> str:
        """Of the graphs."""
        return "fp32" if self.low is None else self.low[0].precision


def converted(
    source: TrainedTracker,
    *,
    precision: str | None,
    calibration: str | None,
    train_data: str | None,
    max_drop: float | None,
    data: str,
    settings: LoopSettings,
    threads: int,
    form: Form | None,
    progress: Progress,
) -> Converted:
    """A tracker in the precision asked for.

    Raises:
        UsageError: options that mean nothing to the precision, or a tracker that it is not for.
        CompressError: more AO is lost than `max_drop`.
    """
    from compress.core import UsageError

    scored = source.precision
    wanted = precision or scored
    if wanted != "int8" and (calibration or train_data):
        raise UsageError(f"--calibration and --train-data are of int8, but the precision is {wanted}. Leave them out.")
    if wanted == "fp32":
        if max_drop is not None:
            raise UsageError("--max-drop is of fp16 and int8: in fp32 nothing is lost. Leave it out.")
        latency = None if source.latency is None or source.latency.runtime.endswith(" int8") else source.latency
        return Converted(source.accuracy, latency) if scored == "fp32" else Converted(None, None)
    if wanted == scored and not (calibration or train_data or max_drop is not None):
        return _as_scored(source, form)
    return _compared(source, wanted, calibration, train_data, max_drop, data, settings, threads, form, progress)


def _as_scored(source: TrainedTracker, form: Form | None) -> Converted:
    from compress.export import LowPrecision, bundle_graphs

    low = LowPrecision(source.precision)
    graphs = low.graphs(source.model.spec, bundle_graphs(source.model, form))
    score = f"AO {source.accuracy.ao:.3f}" if source.accuracy else "not scored at what was changed"
    line = f"In {low.precision} as the search scored it: {score}."
    return Converted(source.accuracy, source.latency, (low, graphs), lines=(line,))


def _compared(
    source: TrainedTracker,
    precision: Any,
    calibration: Any,
    train_data: str | None,
    max_drop: float | None,
    data: str,
    settings: LoopSettings,
    threads: int,
    form: Form | None,
    progress: Progress,
) -> Converted:
    from compress.core.progress import part
    from compress.core.text import printable
    from compress.data import open_source
    from compress.export import (
        MOST_DROP,
        CalibrationCrops,
        LowPrecision,
        accuracy_drop,
        bundle_graphs,
        with_float_layers,
    )
    from compress.measure import host, runtime_name
    from compress.measure.graph_speeds import graph_speeds

    spec, exact = source.model.spec, bundle_graphs(source.model, form)
    low, lines = LowPrecision(precision), list[str]()
    measured: dict[str, Any] = {}
    if precision == "int8":
        pairs = open_source(train_data, training=True) if train_data else source.open_training_data()
        crops = CalibrationCrops.drawn(pairs, spec)
        own = part(progress, 0, 0.5)
        low, graphs, found = with_float_layers(spec, exact, calibration or "dynamic", crops, progress=own)
        measured["sensitivity"] = {"whole": found.whole, "kept": found.kept, "without": found.without}
        lines.append(
            f"int8 ({low.calibration}): {', '.join(low.float_layers) or 'no layer'} left in float; boxes differ by "
            f"{found.kept:.2%} of the search crop ({found.whole:.2%} with all layers in int8), {len(crops)} pairs."
        )
    else:
        graphs = low.graphs(spec, exact)
    scored_on = open_source(data)
    sequences = scored_on.sequences("search", keep=True)
    own = part(progress, 0.5, 0.9)
    drop = accuracy_drop(spec, exact, graphs, precision, sequences, settings=settings, threads=threads, progress=own)
    lines.append(f"{drop}, over {drop.after.sequences} search sequences of {printable(scored_on.name)}.")
    drop.check(MOST_DROP if max_drop is None else max_drop)
    speeds = graph_speeds(
        spec, {"fp32": exact, precision: graphs}, threads=threads, progress=part(progress, 0.9, 1, "timing")
    )
    ratio = speeds["fp32"].p50_ms / speeds[precision].p50_ms
    lines.append(
        f"A frame{' on the worst path' if spec.adaptive else ''} takes {speeds['fp32']} in fp32 and "
        f"{speeds[precision]} in {precision}: {ratio:.2f} times as fast."
    )
    measured |= {"accuracy": drop.to_dict(), "data": printable(scored_on.name)}
    measured |= {"speed": {name: each.to_dict() for name, each in speeds.items()}}
    measured |= {"device": str(host()), "runtime": runtime_name(), "threads": threads}
    return Converted(drop.after, None, (low, graphs), measured, tuple(lines))
