"""What `compress profile` says of a profile and of a kit, as text or as JSON."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from compress.cli.options import print_json

if TYPE_CHECKING:
    from compress.latency import Profile
    from compress.measure.kit.request import Request


def show_profile(profile: Profile, path: Path, as_json: bool) -> None:
    """What was measured, how far it can be relied on, and where it is kept."""
    rows = {
        "target": profile.target,
        "device": profile.device,
        "runtime": profile.runtime,
        "precision": profile.precision,
        "threads": profile.threads,
        "provenance": profile.provenance,
        "mean_error": profile.mean_error,
        "max_error": profile.max_error,
        "spread": profile.spread,
        "noise": profile.noise,
        "remarks": profile.remarks,
        "runs": profile.runs,
        "file": path if path.is_file() else None,
    }
    from compress.latency import MeasuredLatency

    if as_json:
        print_json(rows | {"conditions": None if profile.conditions is None else vars(profile.conditions)})
        return
    click.echo(f"{profile.target}  {profile.provenance} on {profile.device}")
    click.echo(f"  {profile.runtime}, {profile.precision}, threads {profile.threads}, {profile.runs} runs a network")
    click.echo(
        f"  error on the validation set {profile.mean_error or 0:.1%} mean, {profile.max_error or 0:.1%} max; largest "
        f"spread between two halves of the rounds {profile.spread:.1%}"
    )
    if limits := MeasuredLatency(profile).limits:
        click.echo(f"  {limits} Measure again when it is quiet.")
    for name, text in vars(profile.conditions).items() if profile.conditions else ():
        if text:
            click.echo(f"  {name}: {text}")
    click.echo(f"  kept in {path}" if path.is_file() else "  not kept")


def show_kit(id: str, folder: Path, request: Request, as_json: bool) -> None:
    """Where the kit is, what to run on the device, and what to type afterwards."""
    run = request.device.recipe.run
    if as_json:
        print_json({"kit": id, "folder": folder, "target": request.device.target, "run": run})
        return
    click.echo(f"Kit {id} for {request.device.target} is in {folder}.")
    click.echo(f"On the device: {run}")
    click.echo("Back here: compress profile ingest results.json")
