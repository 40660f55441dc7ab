"""`compress targets`: the devices a search can aim at."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from compress.cli.options import json_option, print_json

if TYPE_CHECKING:
    from pathlib import Path

    from compress.profiles import Profile


@click.command()
@json_option
def command(as_json: bool) -> None:
    """List the targets, with the profiles kept for each and their own error on trackers held back.

    `cpu` is this host, by its fingerprint; its profiles are measured here, one per family of trackers.
    """
    from compress.measure import host, kept_profiles, resolve_target, target_names

    rows: list[dict[str, Any]] = []
    for name in target_names():
        target = resolve_target(name)
        about = {"name": name, "device": target.device, "fingerprint": host().id}
        kept = [_row(path, profile) for path, profile in kept_profiles()]
        rows.append({**about, "runtime": target.runtime, "precision": target.precision, "profiles": kept})
    if as_json:
        print_json(rows)
        return
    for row in rows:
        click.echo(f"{row['name']}  {row['device']}  ({row['fingerprint']})")
        click.echo(f"  {row['runtime']}, {row['precision']}")
        for kept in row["profiles"]:
            click.echo(f"  {_line(kept)}")
        if not row["profiles"]:
            click.echo("  no profile yet: measured when first needed, e.g. by `compress latency ostrack-nano`")


def _row(path: Path, profile: Profile) -> dict[str, Any]:
    return {
        "dim": profile.family.dim,
        "heads": profile.family.heads,
        "template_size": profile.family.template_size,
        "search_size": profile.family.search_size,
        "threads": profile.threads,
        "provenance": profile.provenance,
        "mean_error": profile.mean_error,
        "max_error": profile.max_error,
        "spread": profile.spread,
        "file": path,
    }


def _line(kept: dict[str, Any]) -> str:
    size = f"{kept['search_size']}/{kept['template_size']}"
    error = "" if kept["mean_error"] is None else f", error {kept['mean_error']:.1%} mean, {kept['max_error']:.1%} max"
    family = f"width {kept['dim']}, {kept['heads']} heads, crops {size}"
    return f"{kept['provenance']} for {family}, threads {kept['threads']}{error}"
