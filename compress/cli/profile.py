"""`compress profile`: measure what the parts of a teacher's students cost on a device."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from compress.cli.options import json_option, print_json, quiet_option
from compress.cli.progress_line import ProgressLine

if TYPE_CHECKING:
    from compress.latency import Profile
    from compress.measure import Coverage
    from compress.measure.kit.request import Request

_PATH = click.Path(path_type=Path)


@click.command()
@click.option("--target", default="cpu", show_default=True, help="This host (cpu, cpu:pytorch, gpu, ...) or a device.")
@click.option("--teacher", default="ostrack-nano", show_default=True, help="A tracker of the family: a name or a file.")
@click.option("--space", help="Cover every student of this search space too: a name or a YAML file.")
@click.option("--threads", type=click.IntRange(1, 1024), default=1, show_default=True, help="Threads of the runtime.")
@click.option("--rounds", type=click.IntRange(10, 1000), default=12, show_default=True, help="Visits to each network.")
@click.option("--host", metavar="USER@DEVICE", help="Measure there over ssh.")
@click.option("--ssh-option", multiple=True, metavar="NAME=VALUE", help="For ssh, such as Port=2222; may be repeated.")
@click.option("--ssh-config", type=_PATH, help="ssh configuration instead of your own.")
@click.option("--remote-python", default="python3", show_default=True, help="Python on the device.")
@click.option("--time-limit", type=click.IntRange(1), default=3600, show_default=True, help="Seconds, with --host.")
@click.option(
    "--provider",
    type=click.Choice(["auto", "cpu", "cuda", "tensorrt"]),
    default="auto",
    show_default=True,
    help="Of onnxruntime on the device; auto takes CUDA where there is one.",
)
@click.option("--emit-kit", type=_PATH, metavar="FOLDER", help="Write what measures a device that ssh cannot reach.")
@click.option("--ingest", type=_PATH, metavar="results.json", help="Read back what a kit has measured.")
@click.option("--kit", type=_PATH, metavar="FOLDER", help="With --ingest: the kit, if it was written elsewhere.")
@json_option
@quiet_option
def command(
    target: str,
    teacher: str,
    space: str | None,
    threads: int,
    rounds: int,
    host: str | None,
    ssh_option: tuple[str, ...],
    ssh_config: Path | None,
    remote_python: str,
    time_limit: int,
    provider: str,
    emit_kit: Path | None,
    ingest: Path | None,
    kit: Path | None,
    as_json: bool,
    quiet: bool,
) -> None:
    """Measure a device, so that the latency of any student of a teacher's family can be predicted on it.

    This host (`compress targets` lists what it can run); another device over ssh (--host), which needs
    Python, numpy and onnxruntime there and lets you in by key; or any device by a folder that you carry there and
    whose results you bring back (--emit-kit, --ingest). docs/measuring.md says how it is timed and what is refused.
    """
    from compress.core import UsageError

    if sum(given is not None for given in (host, emit_kit, ingest)) > 1:
        raise UsageError("Give one of --host, --emit-kit and --ingest.")
    if ingest is not None:
        from compress.measure.kit.ingest import ingest as read_back

        _tell(*read_back(ingest, kit=kit), as_json)
        return
    report = None if quiet else ProgressLine()
    here = None if host or emit_kit else _local(target)
    if here is not None:
        _tell(*_here(here, teacher, space, threads, rounds, report), as_json)
        return
    request = _request(target, teacher, space, threads, rounds, provider)
    if emit_kit is not None:
        from compress.measure.kit.writing import emit_kit as write_kit

        id = write_kit(request, emit_kit, report=report)
        _tell_kit(id, emit_kit, request, as_json)
    elif host is not None:
        from compress.measure.ssh.connection import Remote
        from compress.measure.ssh.profile import remote_profile

        remote = Remote(host, ssh_option, ssh_config, remote_python, time_limit)
        _tell(*remote_profile(request, remote, report=report), as_json)
    else:
        raise UsageError(
            f"{request.device.target} is not this host. Give --host user@device to measure it over ssh, or --emit-kit "
            "FOLDER to carry the measurement there."
        )


def _local(target: str) -> str | None:
    """The target as one that is timed in this process, if it is one."""
    from compress.measure import resolve_target
    from compress.measure.backends import local_target

    return resolve_target(target).name if local_target(target) else None


def _here(target: str, teacher: str, space: str | None, threads: int, rounds: int, report: Any) -> tuple[Profile, Path]:
    from compress.cli.specs import read_spec
    from compress.measure import host_profile, profile_path

    spec = read_spec(teacher)
    coverage = _corners(teacher, space)
    profile = host_profile(
        spec,
        target=target,
        coverage=coverage,
        threads=threads,
        rounds=rounds,
        refresh=True,
        strict=True,
        report=report,
    )
    return profile, profile_path(spec, threads, target)


def _request(target: str, teacher: str, space: str | None, threads: int, rounds: int, provider: str) -> Request:
    from compress.cli.specs import read_spec
    from compress.measure.kit.request import Request
    from compress.measure.remote_profiles import Device

    device = Device.of(target)
    chosen = "cpu" if device.precision == "int8" and provider == "auto" else provider
    return Request(device, read_spec(teacher), _corners(teacher, space), threads, rounds, chosen)


def _corners(teacher: str, space: str | None) -> Coverage:
    from compress.cli.specs import read_spec
    from compress.measure import Coverage
    from compress.spaces import load_space

    spec = read_spec(teacher)
    coverage = Coverage.of(spec, [spec])
    return coverage if space is None else coverage.union(Coverage.of_space(spec, load_space(space)))


def _tell(profile: Profile, path: Path, as_json: bool) -> None:
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
        "runs": profile.runs,
        "file": path,
    }
    if as_json:
        print_json(rows | {"conditions": None if profile.conditions is None else vars(profile.conditions)})
        return
    click.echo(f"{profile.target}  {profile.provenance} on {profile.device}")
    click.echo(f"  {profile.runtime}, {profile.precision}, threads {profile.threads}, {profile.runs} runs a network")
    click.echo(
        f"  error on trackers held back {profile.mean_error or 0:.1%} mean, {profile.max_error or 0:.1%} max; largest "
        f"spread between two halves of the rounds {profile.spread:.1%}"
    )
    for name, text in vars(profile.conditions).items() if profile.conditions else ():
        if text:
            click.echo(f"  {name}: {text}")
    click.echo(f"  kept in {path}")


def _tell_kit(id: str, folder: Path, request: Request, as_json: bool) -> None:
    script = "measure.sh" if request.device.runtime == "tensorrt" else "measure.py"
    runner = "sh" if script.endswith(".sh") else "python3"
    if as_json:
        print_json({"kit": id, "folder": folder, "target": request.device.target, "run": f"{runner} {script}"})
        return
    click.echo(f"Kit {id} for {request.device.target} is in {folder}.")
    click.echo(f"On the device: {runner} {script}")
    click.echo("Back here: compress profile --ingest results.json")
