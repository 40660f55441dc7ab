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
import random
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from estimate_columns import COLUMNS, LIMITS, Column
from published_figures import Figure, read_figures

from compress.core import TRACKERS, TrackerSpec, describe
from compress.core.cost import macs
from compress.latency.estimated import EstimatedLatency, LatencyRange, estimate_range
from compress.latency.estimated.file import save_estimated
from compress.latency.estimated.fitting import fit_coefficients, left_out_errors, relative_errors
from compress.latency.estimated.profile import Coefficients, EstimatedProfile, LeaveOneOut, PublishedSpeed
from compress.spaces import load_space


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
    _print_named(profiles)
    if arguments.write:
        for found, profile in zip(fits.values(), profiles, strict=False):
            save_estimated(profile, arguments.write / f"{found.column.stem}.yaml", comment=_comment(profile))


def _fit(column: Column, fits: dict[str, Fitted]) -> Fitted:
    figures = [figure for figure in read_figures() if figure.column == column.key]
    used = [figure for figure in figures if figure.cells["use"] == "fit"]
    samples = [figure.sample for figure in used]
    fixed = {each.coefficient: getattr(fits[each.source].costs, each.coefficient) for each in column.borrowed}
    costs = Coefficients(**{k: _rounded(v) for k, v in vars(fit_coefficients(samples, column.free, fixed)).items()})
    left_out = left_out_errors(samples, column.free, fixed)
    ranged = [figure for figure in figures if figure.cells["use"] == "range"]
    return Fitted(column, used, costs, relative_errors(samples, costs), left_out, ranged)


def _profile(found: Fitted) -> EstimatedProfile:
    column = found.column
    figures = tuple(
        PublishedSpeed(
            tracker=figure.cells["tracker"],
            fps=figure.fps,
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
        limits=f"{column.limits} {LIMITS}",
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
    print("  | tracker | timed | published fps | fitted fps | error | left out |")
    print("  | --- | --- | --- | --- | --- | --- |")
    for figure, error, left_out in zip(found.figures, found.errors, found.left_out, strict=True):
        fps = figure.fps
        print(
            f"  | {figure.label} | {figure.sample.scope} | {fps:g} | {fps / (1 + error):.1f} | {error:+.1%} "
            f"| {left_out:+.1%} |"
        )


def _print_ranges(found: Fitted, profile: EstimatedProfile) -> None:
    for figure in found.ranged:
        span, fps = estimate_range(profile, figure.sample.spec), figure.fps
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
        for name, spec, span in _heaviest(spans, arguments.fps):
            print(
                f"    {name}: {_words(spec)}; {macs(spec).per_frame / 1e9:.1f} GMACs at most, "
                f"{span.optimistic.fps:.1f} fps at best, {span.worst.fps:.1f} on the worst path"
            )


def _heaviest(
    spans: Sequence[tuple[TrackerSpec, LatencyRange]], fps: float
) -> Iterator[tuple[str, TrackerSpec, LatencyRange]]:
    """Those with the most work that keep the speed: static ones, and adaptive ones on every path and at best."""
    kinds = {
        "static": [each for each in spans if not each[0].adaptive and each[1].worst.fps >= fps],
        "adaptive, always": [each for each in spans if each[0].adaptive and each[1].worst.fps >= fps],
        "adaptive, at best": [each for each in spans if each[0].adaptive and each[1].optimistic.fps >= fps],
    }
    for name, some in kinds.items():
        distinct = {_words(spec): (spec, span) for spec, span in some}
        for spec, span in sorted(distinct.values(), key=lambda each: -macs(each[0]).per_frame)[:2]:
            yield name, spec, span


def _print_named(profiles: Sequence[EstimatedProfile]) -> None:
    """The loop of named trackers, on the worst path and the cheapest; * beyond what was fitted."""
    print("\n| tracker | " + " | ".join(profile.target for profile in profiles) + " |")
    for name in TRACKERS.names():
        spec, cells = describe(name), []
        for profile in profiles:
            span, beyond = estimate_range(profile, spec), "" if EstimatedLatency(profile).covers(spec) else " *"
            cheapest = f" to {span.cheapest.fps:.0f}" if spec.adaptive else ""
            cells.append(f"{span.worst.fps:.0f}{cheapest}{beyond}")
        print(f"| {name} | " + " | ".join(cells) + " |")


def _words(spec: TrackerSpec) -> str:
    kinds = " + ".join(f"{count} {kind}" for kind, count in Counter(layer.attention for layer in spec.layers).items())
    hidden = sorted({layer.mlp_hidden for layer in spec.layers})
    dims = sorted({layer.attn_dims or spec.dim for layer in spec.layers})
    static = f"{kinds} layers, {hidden[0]} hidden units, {dims[0]} of {spec.dim} dimensions"
    bypass = f", bypass of τ0 {spec.bypass.tau0:g} from layer {spec.bypass.n_enf + 1}" if spec.bypass else ""
    exits = f", exits after {', '.join(str(each.after) for each in spec.exits)}" if spec.exits else ""
    return static + bypass + exits


def _rounded(value: float) -> float:
    """Four digits: more than the figures have, and a file of them can be read by eye."""
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
