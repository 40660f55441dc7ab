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
        "backbone": profile.family.backbone,
        "head": profile.family.head.kind,
        "online_templates": profile.family.online_templates,
        "stages": [stage.dim for stage in profile.family.stages],
        "elimination": profile.elimination_ms is not None,
        "attentions": sorted({block.attention for block in profile.blocks}),
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
    error = "" if kept["mean_error"] is None else f", error {kept['mean_error']:.1%} mean, {kept['max_error']:.1%} max"
    return f"{kept['provenance']} for {_family(kept)}, threads {kept['threads']}{error}"


def _family(kept: dict[str, Any]) -> str:
    widths = "-".join(map(str, kept["stages"])) or kept["dim"]
    online = f" and {kept['online_templates']} online" if kept["online_templates"] else ""
    eliminating = ", candidate elimination" if kept["elimination"] else ""
    size = f"crops {kept['search_size']}/{kept['template_size']}{online}"
    return f"width {widths}, {kept['heads']} heads, {size}, {kept['head']} head{eliminating}"
