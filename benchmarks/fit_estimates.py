"""Fit the estimated hardware profiles to published speeds: figures in, coefficients out.

    python benchmarks/fit_estimates.py                     # print every fit, with its errors on trackers left out
    python benchmarks/fit_estimates.py --write hw_profiles # and write the profiles that ship

`published_fps.csv` holds the figures as their sources print them. An empty cell is the named tracker's own; `use` is
`fit`, or `range` for dynamic trackers whose share of frames per exit nobody published: those are only held against
the span from the cheapest path to the worst. Devices that do not ship are fitted to see whether the model holds where
there are more figures. The files written and the tables printed depend on nothing but the figures and the code.
"""

from __future__ import annotations

import argparse
import csv
import random
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from compress.core import BypassSpec, HeadSpec, LayerSpec, TrackerSpec, describe, kept_dims
from compress.core.zoo.trackers import uniform_layers
from compress.profiles.estimated import estimate_range
from compress.profiles.estimated_file import save_estimated
from compress.profiles.estimated_fit import Sample, errors, fit, left_out_errors
from compress.profiles.estimated_profile import Borrowed, Coefficients, EstimatedProfile, LeaveOneOut, Published
from compress.spaces import load_space

FIGURES = Path(__file__).with_name("published_fps.csv")
_ONE_WIDTH = (
    "all figures are of 768-wide layers, on which launches and multiply-accumulates rise together: a free fit of both "
    "gives 0 µs a launch under PyTorch and 41 µs under onnxruntime, and 14 µs on the slower Xavier NX from the same code"
)
_NO_LOOP = "no whole loop was published for it"
_LIMITS = (
    "Nothing was timed on a device. The figures come from other people's code, timers, clocks, power modes and "
    "library versions, most of which are not told; they are means, so nothing is known of percentiles or of single "
    "slow frames; and memory, heat and other work on the device do not enter."
)
_XAVIER = "512-core Volta GPU, 8-core Carmel CPU, LPDDR4x memory shared by both; power mode not told"
_ORIN = "16 GB module: 1024-core Ampere GPU, 8-core Cortex-A78AE CPU, LPDDR5 memory shared by both; power mode not told"


@dataclass(frozen=True)
class Column:
    """One device, runtime and precision, and which coefficients its figures can tell."""

    device: str
    runtime: str
    precision: str
    free: tuple[str, ...]
    borrowed: tuple[Borrowed, ...] = ()
    target: str = ""
    hardware: str = ""
    limits: str = ""

    @property
    def key(self) -> tuple[str, str, str]:
        return self.device, self.runtime, self.precision

    @property
    def stem(self) -> str:
        """The profile's file name."""
        return f"{self.target.split(':')[0]}-{self.runtime}-{self.precision}"


_LAUNCH, _MAC, _CALL, _LOOP = "launch_us", "ms_per_gmac", "call_ms", "loop_ms"
_PYTORCH_LOOP = "agx-pytorch-fp32"
COLUMNS = (
    Column(
        "Jetson AGX Xavier",
        "pytorch",
        "fp32",
        (_LAUNCH, _MAC, _LOOP),
        target="agx:pytorch",
        hardware=_XAVIER,
        limits="The three ABTracks are one architecture but were published at 53, 65 and 68 fps, so that no function "
        "of the architecture comes nearer than 13% to all of them; how many layers each skips is not told either.",
    ),
    Column(
        "Jetson AGX Xavier",
        "onnxruntime",
        "fp32",
        (_LAUNCH, _MAC),
        (Borrowed(_LOOP, _PYTORCH_LOOP, "the loop runs on the same CPU; only one, rough, whole loop was published"),),
        target="agx",
        hardware=_XAVIER,
        limits="Four figures, one of them a user's, carry two coefficients. Adaptive trackers were never published "
        "here: what a decision on the host costs is assumed.",
    ),
    Column(
        "Jetson Orin NX",
        "pytorch",
        "fp32",
        (_MAC,),
        (Borrowed(_LAUNCH, _PYTORCH_LOOP, _ONE_WIDTH), Borrowed(_LOOP, _PYTORCH_LOOP, _NO_LOOP)),
        target="orin-nx:pytorch",
        hardware=_ORIN,
        limits="Only 768-wide trackers were published: narrow ones rest on the Xavier's cost of a launch.",
    ),
    Column(
        "Jetson Orin NX",
        "onnxruntime",
        "fp16",
        (_MAC, _CALL),
        (Borrowed(_LAUNCH, "agx-onnxruntime-fp32", _ONE_WIDTH), Borrowed(_LOOP, _PYTORCH_LOOP, _NO_LOOP)),
        target="orin-nx",
        hardware=_ORIN,
        limits="Only 768-wide trackers were published: narrow ones rest on the Xavier's cost of a launch. The cost of "
        "a call holds the timer's conversion of both inputs to fp16.",
    ),
    Column("Jetson Xavier NX", "pytorch", "fp32", (_LAUNCH, _MAC)),
    Column("Jetson Xavier NX", "onnxruntime", "fp16", (_MAC, _CALL), (Borrowed(_LAUNCH, "agx-onnxruntime-fp32", ""),)),
    Column("RTX 2080 Ti", "pytorch", "fp32", (_LAUNCH, _MAC)),
    Column("RTX 2080", "pytorch", "fp32", (_LAUNCH, _MAC)),
    Column("RTX 2080", "onnxruntime", "fp32", (_LAUNCH, _MAC)),
    Column("Quadro RTX 8000", "pytorch", "fp32", (_LAUNCH, _MAC, _LOOP)),
    Column("Titan X", "pytorch", "fp32", (_LAUNCH, _MAC, _LOOP)),
    Column("Core i9-9900K", "pytorch", "fp32", (_LAUNCH, _MAC)),
    Column("Core i9-9900K", "onnxruntime", "fp32", (_LAUNCH, _MAC)),
    Column("Xeon Gold 6230R", "pytorch", "fp32", (_LAUNCH, _MAC, _LOOP)),
    Column("Core i7-12700K", "pytorch", "fp32", (_MAC, _LOOP)),
)


@dataclass(frozen=True)
class Figure:
    """A row of the table, read."""

    cells: dict[str, str]
    sample: Sample


@dataclass
class Fitted:
    """A column's figures and what came of them."""

    column: Column
    figures: list[Figure]
    costs: Coefficients
    errors: list[float]
    left_out: list[float]
    ranged: list[Figure] = field(default_factory=list)

    @property
    def leave_one_out(self) -> LeaveOneOut:
        left = [abs(error) for error in self.left_out]
        return LeaveOneOut(mean=_rounded(sum(left) / len(left)), max=_rounded(max(left)))


def main() -> None:
    arguments = _arguments()
    fits: dict[str, Fitted] = {}
    for column in COLUMNS:
        found = _fit(column, fits)
        fits[column.stem if column.target else " ".join(column.key)] = found
        _print(found)
    profiles = [_profile(found) for found in fits.values() if found.column.target]
    for found, profile in zip(fits.values(), profiles, strict=False):
        _print_ranges(found, profile)
    _print_reachable(profiles, arguments)
    if arguments.write:
        for found, profile in zip(fits.values(), profiles, strict=False):
            save_estimated(profile, arguments.write / f"{found.column.stem}.yaml", comment=_comment(profile))


def _fit(column: Column, fits: dict[str, Fitted]) -> Fitted:
    figures = [figure for figure in read_figures() if _key(figure) == column.key]
    used = [figure for figure in figures if figure.cells["use"] == "fit"]
    samples = [figure.sample for figure in used]
    fixed = {each.coefficient: getattr(fits[each.source].costs, each.coefficient) for each in column.borrowed}
    costs = Coefficients(**{k: _rounded(v) for k, v in vars(fit(samples, column.free, fixed)).items()})
    left_out = left_out_errors(samples, column.free, fixed)
    ranged = [figure for figure in figures if figure.cells["use"] == "range"]
    return Fitted(column, used, costs, errors(samples, costs), left_out, ranged)


def read_figures() -> Iterator[Figure]:
    """The figures of `published_fps.csv`, each with the tracker it is of."""
    with FIGURES.open(encoding="utf-8", newline="") as file:
        for cells in csv.DictReader(file):
            spec = _spec(cells)
            sample = Sample(
                spec=spec,
                runtime=cells["runtime"],  # type: ignore[arg-type]
                ms=1000 / float(cells["fps"]),
                scope=cells["scope"],  # type: ignore[arg-type]
                every_frame=cells["template"] == "every frame",
                skipped=spec.bypass.tau0 if spec.bypass else 0.0,
            )
            yield Figure(cells, sample)


def _spec(cells: dict[str, str]) -> TrackerSpec:
    """The named tracker, with what the row says otherwise."""
    spec = describe(cells["tracker"])
    changes: dict[str, Any] = {}
    if cells["dim"]:
        changes |= {"dim": int(cells["dim"]), "heads": int(cells["dim"]) // 64, "layers": uniform_layers(12, 768)}
    if cells["layers"]:
        changes["layers"] = _layers(spec, cells)
    if cells["search_size"]:
        size = int(cells["search_size"])
        changes |= {"search_size": size, "template_size": 112 if size == 224 else spec.template_size}
    if cells["head"]:
        changes["head"] = HeadSpec(kind=cells["head"], channels=spec.head.channels)  # type: ignore[arg-type]
    if cells["dr_ratio"]:
        changes["layers"] = _reduced(spec, float(cells["dr_ratio"]))
    if cells["n_enf"] or cells["tau0"]:
        given = {"n_enf": int(cells["n_enf"] or 2), "tau0": float(cells["tau0"] or 0.4)}
        changes["bypass"] = replace(spec.bypass or BypassSpec(), **given)
    return replace(spec, **changes)


def _layers(spec: TrackerSpec, cells: dict[str, str]) -> tuple[LayerSpec, ...]:
    depth, hidden = int(cells["layers"]), int(cells["mlp_ratio"] or 4) * spec.dim
    if not cells["ai_layers"]:
        return uniform_layers(depth, hidden, spec.layers[0].attention)
    apart = depth - int(cells["ai_layers"])
    return uniform_layers(apart, hidden, "FE") + tuple(
        LayerSpec(source=i, mlp_hidden=hidden, attention="AI") for i in range(apart, depth)
    )


def _reduced(spec: TrackerSpec, ratio: float) -> tuple[LayerSpec, ...]:
    kept = kept_dims(spec.dim, spec.heads, ratio)
    return tuple(replace(layer, mlp_hidden=4 * kept, attn_dims=kept, mlp_dims=kept) for layer in spec.layers)


def _profile(found: Fitted) -> EstimatedProfile:
    column = found.column
    figures = tuple(
        Published(
            tracker=figure.cells["tracker"],
            fps=float(figure.cells["fps"]),
            source=figure.cells["source"],
            scope=figure.sample.scope,
            timer=figure.cells["timer"],
            template=figure.cells["template"],  # type: ignore[arg-type]
            fit_error=_rounded(error),
            left_out_error=_rounded(left_out),
            skipped=figure.sample.skipped,
        )
        for figure, error, left_out in zip(found.figures, found.errors, found.left_out, strict=True)
    )
    return EstimatedProfile(
        target=column.target,
        device=column.device,
        hardware=column.hardware,
        runtime=column.runtime,  # type: ignore[arg-type]
        precision=column.precision,  # type: ignore[arg-type]
        provenance="estimated",
        limits=f"{column.limits} {_LIMITS}",
        coefficients=found.costs,
        leave_one_out=found.leave_one_out,
        figures=figures,
        borrowed=column.borrowed,
    )


def _comment(profile: EstimatedProfile) -> str:
    return (
        f"Estimated, never measured: {profile.device}, {profile.runtime}, {profile.precision}.\n"
        "Written by benchmarks/fit_estimates.py from benchmarks/published_fps.csv; docs/agx.md explains it.\n\n"
        "milliseconds of the network = launch_us / 1000 * kernel launches + ms_per_gmac * GMACs + call_ms\n"
        "milliseconds of a frame     = the network's + loop_ms\n\n"
        "fit_error and left_out_error are estimated time over published time, less 1; left_out_error is by\n"
        "coefficients fitted without that tracker."
    )


def _print(found: Fitted) -> None:
    column, costs, loo = found.column, found.costs, found.leave_one_out
    fitted = [abs(error) for error in found.errors]
    borrowed = "".join(f", {each.coefficient} of {each.source}" for each in column.borrowed)
    print(f"\n{column.device}, {column.runtime} {column.precision} (fitted: {', '.join(column.free)}{borrowed})")
    print(
        f"  {costs.launch_us:g} µs a launch, {costs.ms_per_gmac:g} ms a GMAC, {costs.call_ms:g} ms a call, "
        f"{costs.loop_ms:g} ms the loop; {len(found.figures)} figures of "
        f"{len({figure.sample.spec.id for figure in found.figures})} trackers"
    )
    print(
        f"  error {sum(fitted) / len(fitted):.1%} mean, {max(fitted):.1%} max; "
        f"left out {loo.mean:.1%} mean, {loo.max:.1%} max"
    )
    print("  | tracker | timed | published fps | fitted fps | error | left out |\n  | --- | --- | --- | --- | --- | --- |")
    for figure, error, left_out in zip(found.figures, found.errors, found.left_out, strict=True):
        fps = float(figure.cells["fps"])
        print(
            f"  | {_label(figure)} | {figure.cells['scope']} | {fps:g} | {fps / (1 + error):.1f} | {error:+.1%} "
            f"| {left_out:+.1%} |"
        )


def _print_ranges(found: Fitted, profile: EstimatedProfile) -> None:
    for figure in found.ranged:
        span, fps = estimate_range(profile, figure.sample.spec), float(figure.cells["fps"])
        inside = span.worst.fps <= fps <= span.cheapest.fps
        print(
            f"\n{figure.cells['source']} on {profile.target}: {fps:g} fps, estimated {span.worst.fps:.1f} on the worst "
            f"path to {span.cheapest.fps:.1f} on the cheapest: {'inside' if inside else 'OUTSIDE'}"
        )


def _print_reachable(profiles: Sequence[EstimatedProfile], arguments: argparse.Namespace) -> None:
    """How many students of a space would keep a speed, and some that just do."""
    space, teacher, rng = load_space(arguments.space), describe(arguments.teacher), random.Random(0)
    students = list({spec.id: spec for spec in (space.sample(teacher, rng) for _ in range(arguments.samples))}.values())
    print(f"\n{len(students)} students of {arguments.teacher} from {arguments.space}, at {arguments.fps:g} fps:")
    for profile in profiles:
        spans = [(spec, estimate_range(profile, spec)) for spec in students]
        static = [(spec, span) for spec, span in spans if not spec.adaptive]
        print(f"  {profile.target}: teacher {estimate_range(profile, teacher).worst.fps:.1f} fps")
        for name, some in (("static", static), ("adaptive", [each for each in spans if each[0].adaptive])):
            keep = sum(span.optimistic.fps >= arguments.fps for _, span in some)
            worst = sum(span.worst.fps >= arguments.fps for _, span in some)
            print(f"    {name}: {keep} of {len(some)} keep it at best, {worst} on the worst path")
        near = sorted(static, key=lambda each: abs(each[1].worst.fps - arguments.fps))[:3]
        for spec, span in near:
            print(f"    {_words(spec)}: {span.worst.fps:.1f} fps, network {span.worst.network_ms:.1f} ms")


def _words(spec: TrackerSpec) -> str:
    kinds = " + ".join(f"{count} {kind}" for kind, count in Counter(layer.attention for layer in spec.layers).items())
    hidden = sorted({layer.mlp_hidden for layer in spec.layers})
    dims = sorted({layer.attn_dims or spec.dim for layer in spec.layers})
    return f"{kinds} layers, {hidden[0]} hidden units, {dims[0]} of {spec.dim} dimensions"


def _label(figure: Figure) -> str:
    cells = figure.cells
    extra = [f"{name} {cells[name]}" for name in _VARIED if cells[name]]
    return cells["tracker"] + (f" ({', '.join(extra)})" if extra else "")


_VARIED = ("layers", "ai_layers", "mlp_ratio", "search_size", "head", "dim", "dr_ratio", "n_enf", "tau0")


def _key(figure: Figure) -> tuple[str, str, str]:
    return figure.cells["device"], figure.cells["runtime"], figure.cells["precision"]


def _rounded(value: float) -> float:
    """Four digits: more than the figures carry, and a file of them can be read by eye."""
    return float(f"{value:.4g}") if abs(value) > 1e-6 else 0.0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--write", type=Path, metavar="FOLDER", help="write the profiles that ship into this folder")
    parser.add_argument("--space", default="full", help="search space of the students printed last")
    parser.add_argument("--teacher", default="ostrack256")
    parser.add_argument("--fps", type=float, default=60)
    parser.add_argument("--samples", type=int, default=10_000)
    return parser.parse_args()


if __name__ == "__main__":
    main()
