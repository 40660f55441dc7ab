"""`compress targets`: the devices a search can aim at."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import click

from compress.cli.options import json_option, print_json

if TYPE_CHECKING:
    from pathlib import Path

    from compress.latency import Profile
    from compress.measure import Target


@click.command()
@json_option
def command(as_json: bool) -> None:
    """List the targets, with the error of each on trackers left out of it.

    `cpu` is this host, by its fingerprint, under onnxruntime, and `cpu:...` under other runtimes; profiles are measured
    here, one per family of trackers. What `compress profile` has measured on another device is listed with it. The rest
    is estimated from published speeds.
    """
    from compress.core import warn
    from compress.measure import kept_profiles, resolve_target, target_names
    from compress.measure.remote_profiles import damaged_profiles, device_profiles

    for error in damaged_profiles().values():
        warn(str(error))
    kept = (*kept_profiles(), *device_profiles())  # all files are read once
    rows = [_row(resolve_target(name), kept) for name in target_names()]
    if as_json:
        print_json(rows)
        return
    for row in rows:
        fingerprint = f"  ({row['fingerprint']})" if row["fingerprint"] else ""
        click.echo(f"{row['name']}  {row['device']}{fingerprint}")
        click.echo(f"  {row['runtime']}, {row['precision']}")
        for line in _lines(row):
            click.echo(f"  {line}")


def _row(target: Target, kept: Iterable[tuple[Path, Profile]]) -> dict[str, Any]:
    from compress.measure import host

    about: dict[str, Any] = {"name": target.name, "device": target.device}
    about |= {"runtime": target.runtime, "precision": target.precision}
    about |= {"fingerprint": host().id if target.timer else None, "provenance": target.provenance}
    about |= {"profiles": [_profile_row(path, each) for path, each in kept if each.target == target.name]}
    model = target.shared_model
    if model is None:
        return about
    return about | {
        "aliases": list(target.aliases),
        "basis": model.basis,
        "mean_error": model.errors and model.errors.mean,
        "max_error": model.errors and model.errors.max,
        "limits": model.limits,
    }


def _lines(row: dict[str, Any]) -> list[str]:
    return _shared_lines(row) if "basis" in row else _kept_lines(row)


def _kept_lines(row: dict[str, Any]) -> list[str]:
    where = "" if row["name"] == "cpu" else f" --target {row['name']}"
    nothing = f"no profile yet: measured when first needed, e.g. by `compress latency ostrack-nano{where}`"
    return [_line(kept) for kept in row["profiles"]] or [nothing]


def _shared_lines(row: dict[str, Any]) -> list[str]:
    """Of a target with one model for all families of trackers."""
    measured = [_line(kept) for kept in row["profiles"]]
    never = "other families" if measured else "never measured"
    known = row["mean_error"] is not None
    error = f"{row['mean_error']:.1%} mean, {row['max_error']:.1%} max" if known else "not known"
    return [*measured, f"{row['provenance']} from {row['basis']}, {never}; error on trackers left out {error}"]


def _profile_row(path: Path, profile: Profile) -> dict[str, Any]:
    return {
        "dim": profile.family.dim,
        "heads": profile.family.heads,
        "backbone": profile.family.backbone,
        "head": profile.family.head.kind,
        "online_templates": profile.family.online_templates,
        "stages": [stage.dim for stage in profile.family.stages],
        "elimination": profile.elimination_ms is not None,
        "small_templates": any(block.template for block in profile.blocks),
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
    eliminating += ", fewer template patches" if kept["small_templates"] else ""
    size = f"crops {kept['search_size']}/{kept['template_size']}{online}"
    return f"width {widths}, {kept['heads']} heads, {size}, {kept['head']} head{eliminating}"
