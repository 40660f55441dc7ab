"""`compress profile`: measure what the components of a teacher's students cost on a device."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from compress.cli.number_types import Number
from compress.cli.options import json_option, out_option, quiet_option
from compress.cli.profile_output import show_kit, show_profile
from compress.cli.progress import progress_display
from compress.core import UsageError
from compress.core.ranges import ROUNDS, SECONDS, THREADS
from compress.core.text import shell_command

if TYPE_CHECKING:
    from compress.core.progress import Progress
    from compress.latency import Profile
    from compress.measure import Coverage
    from compress.measure.kit.request import Request

_F = TypeVar("_F", bound=Callable[..., Any])
_PATH = click.Path(path_type=Path)


class _ProfileGroup(click.Group):
    """Says which subcommand is meant where options are given without one."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        if args and args[0].startswith("-") and args[0] not in ("-h", *ctx.help_option_names):
            raise UsageError(
                f"compress profile needs a subcommand before {args[0]}: `compress profile measure` measures this host, "
                "or a device that ssh reaches; `compress profile kit` writes a folder to copy to a device, and "
                "`compress profile ingest` reads its results back."
            )
        return super().parse_args(ctx, args)


@click.group(cls=_ProfileGroup)
def command() -> None:
    """Measure a device, so that the latency of any student of a teacher's family can be predicted on it.

    `measure` this host (`compress targets` lists what it can run) or a device that ssh reaches; or write a `kit`, a
    folder that you copy to any device, and `ingest` the results that you copy back. docs/measuring.md says how it is
    timed and what is refused.
    """


def _measurement(function: _F) -> _F:
    """Options of what is measured, the same for every device."""
    for option in reversed(
        (
            click.option("--teacher", default="ostrack-nano", show_default=True, help="A tracker of the family."),
            click.option("--space", help="Cover every student of this search space too: a name or a YAML file."),
            click.option("--threads", type=Number(THREADS), default=1, show_default=True, help="Runtime's."),
            click.option(
                "--rounds", type=Number(ROUNDS), default=12, show_default=True, help="Visits to each network."
            ),
            click.option(
                "--provider",
                type=click.Choice(["auto", "cpu", "cuda", "tensorrt"]),
                default="auto",
                show_default=True,
                help="Of onnxruntime on another device; auto takes CUDA where there is one.",
            ),
        )
    ):
        function = option(function)
    return function


@command.command("measure")
@click.option("--target", default="cpu", show_default=True, help="This host (cpu, cpu:pytorch, gpu, ...) or a device.")
@_measurement
@click.option("--host", metavar="USER@DEVICE", help="Measure there over ssh.")
@click.option("--ssh-option", multiple=True, metavar="NAME=VALUE", help="For ssh, such as Port=2222; may be repeated.")
@click.option("--ssh-config", type=_PATH, help="ssh configuration instead of your own.")
@click.option("--remote-python", default="python3", show_default=True, help="Python on the device.")
@click.option("--time-limit", type=Number(SECONDS), default=3600, show_default=True, help="Seconds, with --host.")
@json_option
@quiet_option
def measure(
    target: str,
    teacher: str,
    space: str | None,
    threads: int,
    rounds: int,
    provider: str,
    as_json: bool,
    quiet: bool,
    **connection: Any,
) -> None:
    """Measure this host now, or a device that ssh reaches (--host).

    The device needs Python, numpy and onnxruntime, and lets you in by key.
    """
    name = None if connection["host"] else _target_of_this_host(target)
    if name is not None:
        with progress_display(quiet=quiet) as progress:
            made = _measured_here(name, teacher, space, threads, rounds, progress)
        show_profile(*made, as_json)
        return
    request = _request(target, teacher, space, threads, rounds, provider)
    if connection["host"] is None:
        command = shell_command("compress", "profile", "kit", "--target", request.device.target)
        raise UsageError(
            f"{request.device.target} is not this host. Give --host user@device to measure it over ssh, or write a kit "
            f"to copy there: `{command} --out kit`."
        )
    from compress.measure.ssh.profile import remote_profile

    with progress_display(quiet=quiet) as progress:
        made = remote_profile(request, _remote(**connection), progress=progress)
    show_profile(*made, as_json)


@command.command("kit")
@click.option("--target", required=True, help="The device: a name of your choice, or one such as agx:tensorrt-fp16.")
@_measurement
@out_option("A new folder for the kit.", required=True)
@json_option
@quiet_option
def kit(
    target: str,
    teacher: str,
    space: str | None,
    threads: int,
    rounds: int,
    provider: str,
    out: Path,
    as_json: bool,
    quiet: bool,
) -> None:
    """Write a folder that measures a device without compress there.

    It holds graphs, a plan and a program that runs them; `compress profile ingest` reads what it measures.
    """
    from compress.measure.kit.writing import emit_kit

    request = _request(target, teacher, space, threads, rounds, provider)
    with progress_display(quiet=quiet) as progress:
        id = emit_kit(request, out, progress=progress)
    show_kit(id, out, request, as_json)


@command.command("ingest")
@click.argument("results", type=_PATH, metavar="RESULTS.JSON")
@click.option("--kit", type=_PATH, metavar="FOLDER", help="The kit, if it was written under another COMPRESS_HOME.")
@json_option
@quiet_option
def ingest(results: Path, kit: Path | None, as_json: bool, quiet: bool) -> None:
    """Read back what a kit has measured, and keep the device's profile."""
    from compress.measure.kit.ingest import ingest as read_back

    show_profile(*read_back(results, kit=kit), as_json)


def _target_of_this_host(target: str) -> str | None:
    """The target's own name if it is timed in this process; else None."""
    from compress.measure import resolve_target
    from compress.measure.backends import local_target

    return resolve_target(target).name if local_target(target) else None


def _measured_here(
    target: str, teacher: str, space: str | None, threads: int, rounds: int, progress: Progress
) -> tuple[Profile, Path]:
    from compress.cli.specs import read_spec
    from compress.measure import host_profile, profile_path

    spec = read_spec(teacher)
    profile = host_profile(
        spec,
        target=target,
        coverage=_coverage(teacher, space),
        threads=threads,
        rounds=rounds,
        refresh=True,
        progress=progress,
    )
    return profile, profile_path(spec, threads, target)


def _request(target: str, teacher: str, space: str | None, threads: int, rounds: int, provider: str) -> Request:
    from compress.cli.specs import read_spec
    from compress.measure.kit.request import Request
    from compress.measure.remote_profiles import Device

    return Request(Device.of(target), read_spec(teacher), _coverage(teacher, space), threads, rounds, provider)


def _remote(
    host: str, ssh_option: tuple[str, ...], ssh_config: Path | None, remote_python: str, time_limit: int
) -> Any:
    from compress.measure.ssh.connection import Remote

    return Remote(host, ssh_option, ssh_config, remote_python, time_limit)


def _coverage(teacher: str, space: str | None) -> Coverage:
    from compress.cli.specs import read_spec
    from compress.measure import Coverage
    from compress.spaces import load_space

    spec = read_spec(teacher)
    coverage = Coverage.of(spec, [spec])
    found = coverage if space is None else coverage.union(Coverage.of_space(spec, load_space(space)))
    return replace(found, precisions=())  # a profile is of one precision
