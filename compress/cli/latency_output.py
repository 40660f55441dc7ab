"""The output of `compress latency`, as JSON and as text."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import click

from compress.cli.options import print_json

if TYPE_CHECKING:
    from compress.core import ExecutionPath, Latency, TrackerSpec


@dataclass(frozen=True)
class LatencyAnswer:
    """Latencies by what was asked; `mean` is missing where execution paths are not known and nothing is predicted."""

    name: str
    spec: TrackerSpec
    paths: Mapping[ExecutionPath, int] | None
    found: Mapping[str, Latency]

    @property
    def first(self) -> Latency:
        return self.found.get("mean") or self.found["worst"]

    @property
    def about(self) -> str:
        """What the percentiles are of."""
        if not self.spec.adaptive:
            return ""
        if self.paths:
            from compress.core import mean_layers

            used = f"{mean_layers(self.paths, self.spec):.1f} of {len(self.spec.layers)} layers on average"
            return f"over the paths of {sum(self.paths.values())} frames: {used}"
        if "mean" in self.found:
            return "at best: the share τ0 of the layers skipped, the first exit taken; no frames are known"
        return "on the worst path; no frames are known"

    def to_dict(self) -> dict[str, Any]:
        latency = self.first
        row = {"name": self.name, "id": self.spec.id, **_known(latency), "fps": latency.fps}
        paths = {name: _known(self.found[name]) for name in ("cheapest", "worst") if name in self.found}
        return row | ({"of": self.about} | paths if self.spec.adaptive else {})


def _known(latency: Latency) -> dict[str, Any]:
    """Every figure; None for percentiles of what was not timed, of which only the mean is known."""
    figures = latency.to_dict()
    return figures if latency.runs else figures | {"p50_ms": None, "p90_ms": None, "p99_ms": None}


def print_latency(answer: LatencyAnswer, as_json: bool, more: dict[str, Any]) -> None:
    """Print an answer; `more` holds the errors of the profile behind it, and of an estimate where it ends."""
    if as_json:
        print_json(answer.to_dict() | more)
        return
    latency = answer.first
    click.echo(f"{answer.name}  {answer.spec.id}  {latency.provenance} on {latency.device}")
    if latency.runs:
        timed = f"threads {latency.threads}, {latency.runs} runs after {latency.warmup} dropped"
    else:
        timed = f"from {more['basis']}, nothing timed"
    click.echo(f"  {latency.runtime}, {timed}")
    if answer.about:
        click.echo(f"  {answer.about}")
    click.echo(f"  mean    {latency.mean_ms:8.3f} ms  ({latency.fps:.1f} fps; network {latency.network_ms:.3f} ms)")
    for percentile in ("p50", "p90", "p99") if latency.runs else ():
        click.echo(f"  {percentile}     {latency.at(percentile):8.3f} ms")
    if answer.spec.adaptive:
        for name in ("cheapest", "worst"):
            path = answer.found[name]
            click.echo(f"  {name:8}{path.mean_ms:8.3f} ms  ({path.fps:.1f} fps where every frame takes that path)")
    _print_errors(more)


def _print_errors(more: dict[str, Any]) -> None:
    for name, other in more.get("beside", {}).items():
        click.echo(f"  On {name}: {other['mean_ms']:.3f} ms {other['provenance']}.")
    if more.get("extrapolates"):
        click.echo("  Beyond all that was fitted in work or width: this one is extrapolated, and its error not known.")
    if more.get("profile_mean_error") is not None:
        click.echo(
            f"  Error of the model on trackers left out: {more['profile_mean_error']:.1%} mean, "
            f"{more['profile_max_error']:.1%} at most."
        )
    if more.get("profile_paths_mean_error") is not None:
        click.echo(f"  Error on paths through adaptive trackers left out: {more['profile_paths_mean_error']:.1%} mean.")
