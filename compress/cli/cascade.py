"""`compress cascade`: two trackers as one, the accurate one asked where the fast one is unsure."""

from __future__ import annotations

from pathlib import Path

import click

from compress.cli.cascade_output import export_cascade_of, print_cascade
from compress.cli.number_types import Number
from compress.cli.options import SourceCommand, device_option, json_option, out_option, quiet_option
from compress.cli.progress import progress_display
from compress.core.ranges import FPS


@click.command(cls=SourceCommand)
@click.argument("run", metavar="RUN")
@click.option("--fast", metavar="ID", required=True, help="The variant of RUN that answers about every frame.")
@click.option(
    "--accurate",
    metavar="ID|NAME",
    required=True,
    help="The tracker that is asked where that one is unsure: a variant, `teacher`, or a named tracker.",
)
@click.option("--weights", type=click.Path(), help="Weights of a named tracker (safetensors).")
@click.option("--fps", type=Number(FPS), required=True, help="The speed that both as one have to keep.")
@click.option(
    "--fps-at", type=click.Choice(["mean", "p99"]), default="mean", show_default=True, help="What the speed binds."
)
@click.option("--data", metavar="SOURCE", help="Choose on these, see below; by default what RUN was scored on.")
@out_option("FILE.json of the cascade (default RUN/cascades/FAST-ACCURATE-FPS.json), or the folder of its bundle.")
@device_option
@quiet_option
@json_option
def command(
    run: str,
    fast: str,
    accurate: str,
    weights: str | None,
    fps: float,
    fps_at: str,
    data: str | None,
    out: Path | None,
    device: str,
    quiet: bool,
    as_json: bool,
) -> None:
    """Make a cascade of two trained trackers: fast on most frames, accurate where it matters.

    On every frame the fast tracker answers. Where its score does not exceed a threshold the accurate one is asked about
    the same frame, and its answer counts. The threshold is the most accurate one that keeps --fps, of several that
    validation sequences are really tracked with; nothing is trained. On this host the cascade is then timed whole.

    `compress export RUN --cascade FILE` makes a bundle of it, `compress evaluate RUN --cascade FILE` scores it.
    """
    from compress.archive import read_archive
    from compress.core import LatencyConstraint, UsageError
    from compress.core.progress import part
    from compress.data import open_source
    from compress.distill import pick_device
    from compress.driver.cascades.cascade import choose_cascade
    from compress.driver.cascades.files import members_of, write_cascade
    from compress.driver.cascades.latencies import cascade_timer, member_latencies
    from compress.driver.settings import SearchSettings
    from compress.export import check_place
    from compress.measure import resolve_target

    bundle = out if out is not None and out.suffix.lower() != ".json" else None
    if bundle is not None:
        check_place(bundle)
    constraint = LatencyConstraint.of(fps=fps, at=fps_at)
    archive = read_archive(run)
    members = members_of(archive, fast, accurate, weights)
    settings = archive.settings
    target = resolve_target(str(settings.get("target", "cpu")), members.fast.model.spec)
    target.check_bound(fps_at)
    if target.precision == "int8":
        raise UsageError(
            f"A cascade is tracked and exported in fp32, but {run} aims at {target.name}, where scores are others. "
            "Search on the target without int8."
        )
    threads = int(settings.get("threads", 1))
    source = open_source(data or settings.get("data", SearchSettings.data))
    with progress_display(quiet=quiet or as_json) as progress:
        latencies = member_latencies(
            members.fast, members.accurate, target, threads=threads, progress=part(progress, 0, 0.1)
        )
        models = members.fast.model, members.accurate.model
        found = choose_cascade(
            *models,
            source.sequences("validation", keep=True),
            latencies=latencies,
            constraint=constraint,
            measure=cascade_timer(*models, target, threads=threads, progress=part(progress, 0.9, 1)),
            device=pick_device(device),
            progress=part(progress, 0.1, 0.9),
        )
    at = "" if fps_at == "mean" else f"-{fps_at}"
    path = Path(run) / "cascades" / f"{fast}-{accurate}-{fps:g}fps{at}.json" if bundle or out is None else out
    write_cascade(path, members, found, constraint, data=source.name)
    exported = export_cascade_of(run, path, bundle, source.name, threads) if bundle else None
    print_cascade(run, path, found, constraint, members, exported, as_json=as_json)
