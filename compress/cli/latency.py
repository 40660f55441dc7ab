"""`compress latency`: time per frame of one tracker on a target."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import click

from compress.cli.latency_output import LatencyAnswer, print_latency
from compress.cli.number_types import Number
from compress.cli.options import json_option, quiet_option
from compress.cli.progress import progress_display
from compress.core.ranges import RUNS, THREADS

if TYPE_CHECKING:
    from compress.core import ExecutionPath, TrackerSpec
    from compress.latency import LatencyModel
    from compress.measure import Target


@click.command()
@click.argument("tracker", metavar="NAME|SPEC.json|RUN:VARIANT")
@click.option("--target", default="cpu", show_default=True, help="Device to time on; `compress targets` lists them.")
@click.option("--measure", is_flag=True, help="Time the whole tracker instead of predicting from the profile.")
@click.option("--threads", type=Number(THREADS), default=1, show_default=True, help="Threads of the runtime.")
@click.option("--runs", type=Number(RUNS), default=200, show_default=True, help="With --measure.")
@click.option("--refresh", is_flag=True, help="Measure the profile again, even where one is kept.")
@json_option
@quiet_option
def command(
    tracker: str, target: str, measure: bool, threads: int, runs: int, refresh: bool, as_json: bool, quiet: bool
) -> None:
    """Time per frame: crop, normalise, network, decode; template work is done once per sequence.

    Predicted from this host's profile of the tracker's family, which is measured first where there is none (about a
    minute for ostrack-nano, up to five for a ViT-B), or measured whole with --measure.

    Of a tracker that skips layers or leaves early: over the paths that its frames took where they are known (a run's
    variant), else at best; with the cheapest and the worst path beside.

    On a target that `compress targets` calls estimated, the answer comes from published speeds: nothing is timed.
    """
    from compress.measure import Coverage, resolve_target

    spec, paths = _tracker(tracker)
    aim = resolve_target(target, spec)
    wanted = _shown_paths(spec, paths)
    more: dict[str, Any] = {}
    if measure:
        named = {name: each for name, each in wanted.items() if each or not spec.adaptive}
        with progress_display(quiet=quiet) as progress:
            known = _known(named)
            found = aim.measure(dict.fromkeys(named, spec), paths=known, threads=threads, runs=runs, progress=progress)
    else:
        coverage = Coverage.of(spec, [spec])
        with progress_display(quiet=quiet) as progress:
            model = aim.latency_model(spec, coverage=coverage, threads=threads, refresh=refresh, progress=progress)
        found = {name: model.predict(spec, each) for name, each in wanted.items()}
        more = _trust(model, spec) | {"beside": _beside(aim, spec, paths)}
    print_latency(LatencyAnswer(tracker, spec, paths, found), as_json, more)


def _trust(model: LatencyModel, spec: TrackerSpec) -> dict[str, Any]:
    """What a prediction rests on, and how far it can be trusted."""
    errors = model.errors
    found = {
        "profile_mean_error": errors and errors.mean,
        "profile_max_error": errors and errors.max,
        "basis": model.basis,
        "extrapolates": not model.covers(spec),
    }
    return found | ({"profile_paths_mean_error": errors and errors.paths_mean} if spec.adaptive else {})


def _beside(aim: Target, spec: TrackerSpec, paths: Mapping[ExecutionPath, int] | None) -> dict[str, Any]:
    """The mean under other runtimes of the device, where it is known without measuring anything."""
    from compress.measure import same_device

    others = [other for other in same_device(aim) if other.runs(spec.precision)]
    found = {other.name: other.latency_model(spec).predict(spec, paths) for other in others}
    return {name: {"mean_ms": each.mean_ms, "provenance": each.provenance} for name, each in found.items()}


def _tracker(name: str) -> tuple[TrackerSpec, Mapping[ExecutionPath, int] | None]:
    """A named tracker, a spec file or the variant of a run, with the paths that frames took where they are known."""
    from compress.cli.specs import read_paths, read_spec

    run, colon, variant = name.rpartition(":")
    if not colon:
        spec = read_spec(name)
        return spec, read_paths(name, spec)
    from compress.archive import read_archive

    record = read_archive(run).variant(variant)
    return record.spec, record.paths


def _shown_paths(
    spec: TrackerSpec, paths: Mapping[ExecutionPath, int] | None
) -> dict[str, Mapping[ExecutionPath, int] | None]:
    """What is shown of a tracker: its frames' `mean`; of an adaptive one the `cheapest` and the `worst` path beside."""
    if not spec.adaptive:
        return {"mean": None}
    from compress.core import cheapest_path, worst_path

    return {"mean": paths, "cheapest": {cheapest_path(spec): 1}, "worst": {worst_path(spec): 1}}


def _known(wanted: Mapping[str, Mapping[ExecutionPath, int] | None]) -> dict[str, Mapping[ExecutionPath, int]]:
    return {name: paths for name, paths in wanted.items() if paths}
