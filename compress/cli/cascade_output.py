"""What commands print of cascades."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from compress.cli.execution_paths import path_text
from compress.cli.options import print_json
from compress.core.text import printable, shell_command

if TYPE_CHECKING:
    from compress.core import Accuracy, LatencyConstraint
    from compress.driver.cascades.choosing import ChosenCascade
    from compress.driver.cascades.files import CascadeMembers
    from compress.runtime import CascadeBundle


def export_cascade_of(run: str, path: Path, out: Path, data: str, threads: int) -> CascadeBundle:
    """Export the cascade in a file; its trackers are variants of `run`, or have a name."""
    from compress.data import load_sequences
    from compress.export import export_cascade, load_cascade
    from compress.runtime import CascadeBundle, open_any_bundle

    source = load_cascade(run, path)
    bundle = open_any_bundle(export_cascade(source, out, sequence=load_sequences(data)[0], threads=threads))
    assert isinstance(bundle, CascadeBundle)
    return bundle


def print_exported_cascade(bundle: CascadeBundle, out: Path, *, as_json: bool) -> None:
    """What was exported, and how closely it agrees with PyTorch."""
    from compress.core import ExecutionPath

    manifest = bundle.manifest
    if as_json:
        shown = {key: manifest[key] for key in ("name", "cascade_id", "threshold", "parity", "files")}
        print_json({"bundle": bundle.folder, **shown})
        return
    parity = manifest["parity"]
    size = sum(entry["bytes"] for each in bundle.members for entry in each.manifest["files"].values())
    paths = {ExecutionPath(frozenset(), row["exit"]): row["frames"] for row in parity["paths"]}
    click.echo(f"{bundle.name} ({bundle.spec.id}) is in {printable(out)}, {size / 1e6:.1f} MB.")
    click.echo(
        f"PyTorch and onnxruntime agree, each tracker by itself and both as one: boxes within {parity['box_px']:.2g} "
        f"px over {parity['frames']} frames of {parity['sequence']}. {path_text(paths, bundle.spec)}"
    )
    click.echo(f"Next: {shell_command('compress', 'track', out)} --video FILE --init x,y,w,h --out boxes.txt")


def print_cascade(
    run: str,
    path: Path,
    found: ChosenCascade,
    constraint: LatencyConstraint,
    members: CascadeMembers,
    exported: CascadeBundle | None,
    *,
    as_json: bool,
) -> None:
    """What was tried, what was chosen, and what to do next."""
    if as_json:
        tried = [each.to_dict() for each in found.tried]
        shown = {"file": path, "chosen": found.chosen.to_dict(), "latency": found.latency.to_dict(), "tried": tried}
        shown |= {"fast": found.fast.to_dict(), "accurate": found.accurate.to_dict()}
        print_json(shown | {"bundle": exported and exported.folder})
        return
    for line in _table(found):
        click.echo(line)
    latency, chosen = found.latency, found.chosen
    frames = sum(chosen.paths.values())
    click.echo(
        f"\nChosen: {chosen.threshold:.4f}, the most accurate within {constraint.max_ms:.3g} ms at the "
        f"{constraint.at}. "
        f"{path_text(chosen.paths, members.spec(chosen.threshold))}"
    )
    click.echo(
        f"Both as one, {latency.provenance}: {latency.mean_ms:.3g} ms a frame ({latency.fps:.0f} fps), p50 "
        f"{latency.p50_ms:.3g}, p90 {latency.p90_ms:.3g}, p99 {latency.p99_ms:.3g}, worst {latency.at('worst'):.3g}."
    )
    if found.timed is not None:
        fast, accurate, longer = found.timed.fast, found.timed.accurate, found.timed.over_sum(constraint, chosen.paths)
        click.echo(
            f"In the same run the fast tracker alone took {fast.mean_ms:.3g} ms and the accurate one "
            f"{accurate.mean_ms:.3g} ms: both as one are {longer - 1:.1%} over their sum."
        )
        if found.over_bound(constraint):
            known = constraint.value(chosen.latency) * longer
            click.echo(
                "In that run the bound was missed: the machine was slower than when both were measured, by which it is "
                f"{known:.3g} ms at the {constraint.at}. Where it stays so slow, ask for a higher --fps."
            )
    click.echo(f"AO is over the {frames} frames that the threshold was chosen on. Written to {printable(path)}")
    if exported is None:
        click.echo(f"Next: {shell_command('compress', 'export', run, '--cascade', path, '--out', 'bundle')}")
    else:
        print_exported_cascade(exported, exported.folder, as_json=False)


def _table(found: ChosenCascade) -> list[str]:
    """A row for each tracker alone and for each threshold that was tracked with; differences are paired."""
    titles = f"{'threshold':>14}  {'asked':>6}  {'AO ± SE':>13}  {'mean ms':>8}  {'p99 ms':>8}"
    fast, accurate = found.fast.accuracy, found.accurate.accuracy
    rows = [("fast alone", 0.0, fast, found.fast.latency)]
    rows += [(f"{each.threshold:.4f}", each.asked, each.accuracy, each.latency) for each in found.tried]
    rows += [("accurate alone", 1.0, accurate, found.accurate.latency)]
    lines = [f"{titles}  {'− fast':>14}  {'− accurate':>14}"]
    for name, asked, accuracy, latency in rows:
        against = ("" if each is accuracy else _difference(accuracy, each) for each in (fast, accurate))
        apart, below = against
        mark = "  *" if name == f"{found.chosen.threshold:.4f}" else ""
        lines.append(
            f"{name:>14}  {asked:6.1%}  {accuracy.ao:.3f} ± {accuracy.ao_se:.3f}  {latency.mean_ms:8.3f}  "
            f"{latency.p99_ms:8.3f}  {apart:>14}  {below:>14}{mark}"
        )
    kinds = sorted({latency.provenance for *_, latency in rows})
    return [*lines, f"Latencies are {' and '.join(kinds)}: of the trackers alone as known, of both as one from these."]


def _difference(accuracy: Accuracy, other: Accuracy) -> str:
    from compress.archive import paired_difference

    return str(paired_difference(accuracy.sequence_aos, other.sequence_aos))
