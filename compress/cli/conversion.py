"""A tracker in the precision that is asked for: what that costs is measured, and held against `--max-drop`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from compress.core import Accuracy, Latency
    from compress.core.progress import Progress
    from compress.export import LowPrecision, TrainedTracker
    from compress.geometry import LoopSettings
    from compress.runtime.signatures import Form


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


@dataclass(frozen=True)
class Conversion:
    """A tracker that is to be exported, and what the options ask for; None leaves it open.

    Attributes:
        data: What it is scored on before and after; what its run scored it on where that is None.
        form: As `bundle_graphs` takes it.
    """

    source: TrainedTracker
    settings: LoopSettings
    precision: str | None = None
    calibration: Any = None
    train_data: str | None = None
    max_drop: float | None = None
    data: str | None = None
    threads: int = 1
    form: Form | None = None

    def run(self, progress: Progress) -> Converted:
        """The tracker in the precision asked for.

        Raises:
            UsageError: options that mean nothing to the precision, or a tracker that it is not for.
            CompressError: more AO is lost than `max_drop`.
        """
        from compress.core import UsageError
        from compress.export import check_convertible

        source, scored = self.source, self.source.precision
        wanted: Any = self.precision or scored
        if wanted != "int8" and (self.calibration or self.train_data):
            raise UsageError(
                f"--calibration and --train-data are of int8, but the precision is {wanted}. Leave them out."
            )
        calibration: Any = self.calibration or "dynamic"
        check_convertible(source.model.spec, wanted, calibration, one_graph=self.form == "one")
        if wanted == "fp32":
            if self.max_drop is not None:
                raise UsageError("--max-drop is of fp16 and int8: in fp32 nothing is lost. Leave it out.")
            latency = None if source.latency is None or source.latency.runtime.endswith(" int8") else source.latency
            return Converted(source.accuracy, latency) if scored == "fp32" else Converted(None, None)
        if wanted == scored and not (self.calibration or self.train_data or self.max_drop is not None):
            return self._as_scored()
        return self._compared(wanted, progress)

    def _as_scored(self) -> Converted:
        from compress.export import LowPrecision, bundle_graphs

        source = self.source
        low = LowPrecision(source.precision)
        graphs = low.graphs(source.model.spec, bundle_graphs(source.model, self.form))
        score = f"AO {source.accuracy.ao:.3f}" if source.accuracy else "not scored at what was changed"
        line = f"In {low.precision} as the search scored it: {score}."
        return Converted(source.accuracy, source.latency, (low, graphs), lines=(line,))

    def _compared(self, precision: Any, progress: Progress) -> Converted:
        """Scored and timed before and after."""
        from compress.core.progress import part
        from compress.core.text import printable
        from compress.data import open_source
        from compress.export import MOST_DROP, accuracy_drop, bundle_graphs
        from compress.measure import host, runtime_name
        from compress.measure.graph_speeds import graph_speeds

        spec, exact = self.source.model.spec, bundle_graphs(self.source.model, self.form)
        scored_on = open_source(self.data or self.source.data or "generated")
        low, graphs, measured, lines = self._graphs(precision, exact, part(progress, 0, 0.5))
        drop = accuracy_drop(
            spec,
            exact,
            graphs,
            precision,
            scored_on.sequences("search", keep=True),
            settings=self.settings,
            threads=self.threads,
            progress=part(progress, 0.5, 0.9),
        )
        lines.append(f"{drop}, over {drop.after.sequences} search sequences of {printable(scored_on.name)}.")
        drop.check(MOST_DROP if self.max_drop is None else self.max_drop)
        both = {"fp32": exact, precision: graphs}
        speeds = graph_speeds(spec, both, threads=self.threads, progress=part(progress, 0.9, 1, "timing"))
        ratio = speeds["fp32"].p50_ms / speeds[precision].p50_ms
        lines.append(
            f"A frame{' on the worst path' if spec.adaptive else ''} takes {speeds['fp32']} in fp32 and "
            f"{speeds[precision]} in {precision}: {ratio:.2f} times as fast."
        )
        measured |= {"accuracy": drop.to_dict(), "data": printable(scored_on.name)}
        measured |= {"speed": {name: each.to_dict() for name, each in speeds.items()}}
        measured |= {"device": str(host()), "runtime": runtime_name(), "threads": self.threads}
        return Converted(drop.after, None, (low, graphs), measured, tuple(lines))

    def _graphs(
        self, precision: Any, exact: Mapping[str, bytes], progress: Progress
    ) -> tuple[LowPrecision, Mapping[str, bytes], dict[str, Any], list[str]]:
        """How they are made, the graphs, and in int8 which layers stay in float and why, as figures and as text."""
        from compress.data import open_source
        from compress.export import CalibrationCrops, LowPrecision, with_float_layers

        spec, low = self.source.model.spec, LowPrecision(precision)
        if precision != "int8":
            return low, low.graphs(spec, exact), {}, []
        own = self.source.open_training_data
        pairs = open_source(self.train_data, training=True) if self.train_data else own()
        crops = CalibrationCrops.drawn(pairs, spec)
        low, graphs, found = with_float_layers(spec, exact, self.calibration or "dynamic", crops, progress=progress)
        figures = {"sensitivity": {"whole": found.whole, "kept": found.kept, "without": found.without}}
        line = (
            f"int8 ({low.calibration}): {', '.join(low.float_layers) or 'no layer'} left in float; boxes differ by "
            f"{found.kept:.2%} of the search crop ({found.whole:.2%} with all layers in int8), {len(crops)} pairs."
        )
        return low, graphs, figures, [line]
