"""`compress search`: from a teacher to a Pareto front of trained students."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click
from click.core import ParameterSource

from compress.cli.options import device_option, json_option, out_option, print_json, quiet_option, seed_option
from compress.cli.progress import shown
from compress.cli.tables import print_front, print_plan


@click.command("search")
@click.option("--teacher", default="ostrack-nano", show_default=True, help="Where the search starts from.")
@click.option("--weights", type=click.Path(), default="", help="The teacher's weights, as published or imported.")
@click.option("--target", default="cpu", show_default=True, help="The device to be fast on.")
@click.option(
    "--threads", type=click.IntRange(1), default=1, show_default=True, help="Threads of the target's runtime."
)
@click.option("--fps", type=float, help="Frames per second to reach on the target.")
@click.option("--speedup", type=float, help="Or: times the teacher's speed (default 1).")
@click.option("--fps-at", default="mean", show_default=True, help="What the bound binds: mean, p50, p90, p99 or worst.")
@click.option("--space", default="ostrack", show_default=True, help="Search space: a name or a YAML file.")
@click.option("--data", default="generated", show_default=True, help="Scored on: generated, or folder:PATH (GOT-10k).")
@click.option("--train-data", default="generated", show_default=True, help="Distilled on, likewise; keep it apart.")
@click.option("--images", type=click.Path(exists=True, file_okay=False), help="Your images as generated texture.")
@click.option("--trials", type=click.IntRange(1), help="Students to train (default 10, or 5 minutes' worth).")
@click.option("--generation", type=click.IntRange(1), default=5, show_default=True, help="Students at a time.")
@click.option("--steps", type=click.IntRange(2), default=480, show_default=True, help="Steps of full distillation.")
@click.option("--pool", type=click.IntRange(64), help="Pairs to distil on (default 8192, or 1.25 GB of them).")
@click.option("--time-budget", type=click.FloatRange(0), help="Minutes after which no new generation starts; 0: none.")
@click.option("--mlp-rank", default="importance", show_default=True, help="Units a thin MLP keeps, or: leading.")
@click.option("--sampler", default="tpe", show_default=True, help="tpe, nsga2, gp or random.")
@click.option("--strategy", default="halving", show_default=True, help="Which students are trained, and how far.")
@click.option("--executor", default="inline", show_default=True, help="Where they are trained.")
@click.option("--plan", type=click.Path(), help="Train the front of this plan (a run directory) first.")
@out_option("Run directory (default results/TEACHER-TARGET); an earlier search there is continued.")
@seed_option()
@device_option
@quiet_option
@json_option
def command(out: Path | None, quiet: bool, as_json: bool, **settings: Any) -> None:
    """Search for students of a teacher that keep a speed on a target, and train them.

    The same command again continues a search that was stopped.

    On a target that `compress targets` calls estimated, without the teacher's weights or without --data, it plans
    instead, in seconds: latency from published speeds, accuracy from published ablations, over --space full unless
    you name another; and says which commands would train and measure that.
    """
    from compress.archive import front_rows
    from compress.core import InfeasibleError
    from compress.driver import search
    from compress.report import verdict

    source = click.get_current_context().get_parameter_source
    settings = {name: value for name, value in settings.items() if source(name) is not ParameterSource.DEFAULT}
    with shown(quiet=quiet or as_json) as progress:
        archive = search(out=out, progress=progress, **settings)
    if as_json:
        planned = {"plan": archive.plan.to_dict()} if archive.plan else {}
        print_json({"run": archive.run_dir, "verdict": verdict(archive), "front": front_rows(archive), **planned})
    else:
        _print(archive)
    if not archive.front(archive.fidelity if archive.plan else "full"):
        raise InfeasibleError(f"{verdict(archive)} See {archive.run_dir / 'report' / 'index.html'}.")


def _print(archive: Any) -> None:
    from compress.report import verdict

    print_front(archive)
    run = archive.run_dir
    click.echo(verdict(archive))
    click.echo(f"Report: {run / 'report' / 'index.html'}")
    if archive.plan is not None:
        print_plan(archive.plan, len(archive.front(archive.fidelity)))
        return
    front = archive.front()
    if front:
        best = max(front, key=lambda record: record.accuracy.ao)
        click.echo(f"Export: compress export {run} --variant {best.variant} --out bundle/")
