"""`compress latency`: time per frame of one tracker on a target."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from compress.cli.options import json_option, print_json, quiet_option

if TYPE_CHECKING:
    from compress.core import Latency, TrackerSpec


@click.command()
@click.argument("tracker", metavar="NAME|SPEC.json|RUN:VARIANT")
@click.option("--target", default="cpu", show_default=True, help="Device to time on; `compress targets` lists them.")
@click.option("--measure", is_flag=True, help="Time the whole tracker instead of predicting from the profile.")
@click.option("--threads", type=click.IntRange(1, 1024), default=1, show_default=True, help="Threads of the runtime.")
@click.option("--runs", type=click.IntRange(10, 1_000_000), default=200, show_default=True, help="With --measure.")
@click.option("--refresh", is_flag=True, help="Measure the profile again, even where one is kept.")
@json_option
@quiet_option
def command(
    tracker: str, target: str, measure: bool, threads: int, runs: int, refresh: bool, as_json: bool, quiet: bool
) -> None:
    """Time per frame: crop, normalise, network, decode; template work is done once per sequence.

    Predicted from this host's profile of the tracker's family, which is measured first where there is none (about a
    minute for ostrack-nano, up to five for a ViT-B), or measured whole with --measure.
    """
    from compress.measure import resolve_target

    aim = resolve_target(target)
    spec = _spec(tracker)
    report = None if quiet else _Progress()
    if measure:
        latency = aim.measure({"tracker": spec}, threads=threads, runs=runs, report=report)["tracker"]
        _print(tracker, spec, latency, as_json, {})
        return
    from compress.measure import Corners
    from compress.profiles import predict

    profile = aim.profile(spec, corners=Corners.of(spec, [spec]), threads=threads, refresh=refresh, report=report)
    errors = {"profile_mean_error": profile.mean_error, "profile_max_error": profile.max_error}
    _print(tracker, spec, predict(profile, spec), as_json, errors)


def _spec(name: str) -> TrackerSpec:
    """A named tracker, a spec file, or the variant of a run."""
    from compress.cli.specs import read_spec

    run, colon, variant = name.rpartition(":")
    if not colon:
        return read_spec(name)
    from compress.archive import read_archive

    return read_archive(run).variant(variant).spec


def _print(name: str, spec: TrackerSpec, latency: Latency, as_json: bool, more: dict[str, Any]) -> None:
    if as_json:
        print_json({"name": name, "id": spec.id, **latency.to_dict(), "fps": latency.fps, **more})
        return
    click.echo(f"{name}  {spec.id}  {latency.provenance} on {latency.device}")
    click.echo(f"  {latency.runtime}, threads {latency.threads}, {latency.runs} runs after {latency.warmup} dropped")
    click.echo(f"  mean    {latency.mean_ms:8.3f} ms  ({latency.fps:.1f} fps; network {latency.network_ms:.3f} ms)")
    for percentile in ("p50", "p90", "p99"):
        click.echo(f"  {percentile}     {getattr(latency, f'{percentile}_ms'):8.3f} ms")
    if more:
        click.echo(
            f"  The profile's error on trackers held back: {more['profile_mean_error']:.1%} mean, "
            f"{more['profile_max_error']:.1%} at most."
        )


class _Progress:
    """A line on stderr whenever the work changes or a fifth of it is done."""

    def __init__(self) -> None:
        self._last = ("", -1)

    def __call__(self, what: str, share: float) -> None:
        step = (what, int(share * 5))
        if step != self._last:
            self._last = step
            click.echo(f"{what} {share:.0%}", err=True)
