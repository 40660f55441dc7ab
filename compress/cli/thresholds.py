"""`compress thresholds`: when a trained variant with exits stops early, chosen for a speed or given by hand."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from compress.cli.number_types import Number, Numbers
from compress.cli.options import SourceCommand, device_option, json_option, out_option, print_json, quiet_option
from compress.cli.progress import progress_display
from compress.core.ranges import FPS, MILLISECONDS, UNIT

if TYPE_CHECKING:
    from compress.core import ExecutionPath, TrackerSpec
    from compress.core.progress import Progress
    from compress.driver.exit_thresholds.set_thresholds import ChosenThresholds


@click.command(cls=SourceCommand)
@click.argument("run", metavar="RUN")
@click.option("--variant", metavar="ID", required=True, help="A trained variant of RUN with exits, e.g. v017.")
@click.option("--fps", type=Number(FPS), help="Choose thresholds for this speed, on average.")
@click.option(
    "--tau", type=Numbers(UNIT, "0.6,0.7"), metavar="T,T", help="Or take these, one for each exit but the last."
)
@click.option("--data", metavar="SOURCE", help="Choose on these, see below; by default what RUN was scored on.")
@click.option(
    "--exit-ms",
    type=Numbers(MILLISECONDS, "4.5,7"),
    metavar="MS,MS",
    help="Milliseconds per frame that leaves at each exit, as you timed them; by default predicted for RUN's target.",
)
@out_option("The spec with the thresholds (default RUN/thresholds/ID-FPS.json).")
@device_option
@quiet_option
@json_option
def command(
    run: str,
    variant: str,
    fps: float | None,
    tau: tuple[float, ...] | None,
    data: str | None,
    exit_ms: tuple[float, ...] | None,
    out: Path | None,
    device: str,
    quiet: bool,
    as_json: bool,
) -> None:
    """Set when a variant of RUN stops at its early exits; it is not trained again.

    An exit is taken where the IoU that it predicts of its box exceeds its threshold. With --fps the thresholds are
    those of the highest expected accuracy at that speed, from what all exits say about validation sequences, of
    generated data a split of its own. These are then tracked again, as the path of a frame changes what the next
    one sees.
    """
    from compress.core import LatencyConstraint, Store, UsageError
    from compress.core.progress import part
    from compress.data import open_source, split_key
    from compress.distill import pick_device
    from compress.driver.exit_thresholds.set_thresholds import set_thresholds
    from compress.driver.settings import SearchSettings
    from compress.export import load_trained
    from compress.runtime.thresholds import check_exits

    if (fps is None) == (tau is None):
        raise UsageError("Give either --fps N, to choose thresholds for a speed, or --tau T,T, to set them.")
    constraint = LatencyConstraint.of(fps=fps)
    source = load_trained(run, variant)
    check_exits(source.model.spec)
    settings = _settings(run)
    chosen_on = open_source(data or settings.get("data", SearchSettings.data))
    with progress_display(quiet=quiet or as_json) as progress:
        chosen = set_thresholds(
            source.model,
            chosen_on.sequences("validation", keep=True),
            ms=_milliseconds(source.model.spec, settings, exit_ms, part(progress, 0, 0.3)),
            max_ms=constraint.max_ms,
            taus=tau,
            data=split_key(chosen_on, "validation"),
            store=Store(),
            device=pick_device(device),
            progress=part(progress, 0.3, 1),
        )
    name = "-".join([variant, f"{fps:g}fps" if fps is not None else "tau", *(f"{t:g}" for t in tau or ())])
    path = out or Path(run) / "thresholds" / f"{name}.json"
    chosen.write(path, variant=variant)
    if as_json:
        print_json({"file": path, **chosen.to_dict()})
    else:
        _print(run, variant, chosen, path)


def _settings(run: str) -> dict[str, Any]:
    from compress.archive import read_archive

    return read_archive(run).settings


def _milliseconds(
    spec: TrackerSpec, settings: dict[str, Any], exit_ms: tuple[float, ...] | None, progress: Progress
) -> Callable[[ExecutionPath], float]:
    """Mean time of each path: by exit as given, or predicted or estimated for the run's target."""
    from compress.core import UsageError
    from compress.measure import Coverage, resolve_target

    if exit_ms is None:
        aim, threads = resolve_target(str(settings.get("target", "cpu")), spec), int(settings.get("threads", 1))
        model = aim.latency_model(spec, coverage=Coverage.of(spec, [spec]), threads=threads, progress=progress)
        return lambda path: model.predict(spec, {path: 1}).mean_ms
    rising = sorted(exit_ms) == list(exit_ms) and all(0 < ms < math.inf for ms in exit_ms)
    if len(exit_ms) != len(spec.exits) or not rising:
        raise UsageError(f"--exit-ms must be {len(spec.exits)} rising numbers above 0, one for each exit.")
    return lambda path: exit_ms[path.exit or 0]


def _print(run: str, variant: str, chosen: ChosenThresholds, path: Path) -> None:
    from compress.cli.execution_paths import path_text
    from compress.core.text import printable, shell_command

    taus = ", ".join(f"{tau:.3f}" for tau in chosen.expected.taus)
    click.echo(f"{variant} with thresholds {taus} is {chosen.spec.id}, of the same weights.")
    for title, ao, ms in (
        ("expected", f"{chosen.expected.iou:.3f}", chosen.expected.ms),
        ("tracked", f"{chosen.accuracy.ao:.3f} ± {chosen.accuracy.ao_se:.3f}", chosen.ms),
    ):
        click.echo(f"  {title:8}  AO {ao}, {ms:.3g} ms a frame ({1000 / ms:.0f} fps)")
    click.echo(f"  {path_text(chosen.paths, chosen.spec)}")
    click.echo(f"Written to {printable(path)}")
    click.echo(f"Next: {shell_command('compress', 'export', run, '--thresholds', path, '--out', 'bundle')}")
