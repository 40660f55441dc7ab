"""Profiles of this host for one family of trackers each: measured once, kept under the host's fingerprint."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path

from compress.core import FileError, TrackerSpec, UsageError
from compress.core.files import home
from compress.core.plain import to_plain
from compress.core.progress import Progress, no_progress, part
from compress.latency import Family, Profile, load_profile, save_profile
from compress.measure.backends import CPU, Backend, host_backend, host_backends
from compress.measure.calibration.routing_overhead import measured_routing_overhead
from compress.measure.coverage import Coverage
from compress.measure.profiling import ROUNDS, build_profile


def host_profile(
    teacher: TrackerSpec,
    *,
    target: str = CPU,
    coverage: Coverage | None = None,
    threads: int = 1,
    rounds: int = ROUNDS,
    refresh: bool = False,
    strict: bool = False,
    progress: Progress = no_progress,
) -> Profile:
    """The kept profile of this host for the family of `teacher`, or a new one where it does not cover `coverage`.

    Args:
        target: One of `host_backends`.
        coverage: What must be predictable beside `Coverage.of(teacher)`.
        threads: Threads of the runtime.
        rounds: Visits to each network; fewer than 10 are not enough for figures to rely on.
        refresh: Measure even where a kept profile would do.
        strict: Refuse what was measured while the machine changed its speed. A search can do without: it compares
            trackers with their teacher, and measures what it trained again.

    Raises:
        UsageError: bypass and exits under a runtime that cannot run them.
        CompressError: the machine is too noisy to separate the components; or, where `strict`, as `check_calm`.
    """
    wanted = Coverage.of(teacher) if coverage is None else coverage.union(Coverage.of(teacher))
    _check_decides(wanted, target)
    path = profile_path(teacher, threads, target)
    kept = _kept(path)
    profile = kept
    if kept is not None:
        wanted = wanted.union(Coverage.covered(kept))
    layers = part(progress, 0, 0.7 if wanted.decides else 1)
    if profile is None or refresh or not wanted.layers_within(Coverage.covered(profile)):
        profile = build_profile(
            teacher, wanted, target=target, threads=threads, rounds=rounds, strict=strict, progress=layers
        )
    if wanted.decides and profile.routing_overhead is None:
        routing_overhead = measured_routing_overhead(
            profile, teacher, rounds=rounds, strict=strict, progress=part(progress, 0.7, 1)
        )
        profile = replace(profile, routing_overhead=routing_overhead)
    if profile is not kept:
        save_profile(profile, path)
    return profile


def profile_path(teacher: TrackerSpec, threads: int, target: str = CPU) -> Path:
    """Where a profile of this host is kept: by target, processor or GPU, version of the runtime, threads and family."""
    family = sorted(to_plain(Family.of(teacher)).items())
    key = repr((*_facts(host_backend(target)), threads, family))
    return home() / "profiles" / f"{_stem(target)}{hashlib.sha256(key.encode()).hexdigest()[:12]}.yaml"


def is_of_this_host(path: Path) -> bool:
    """Whether a file of the profiles' folder is one of `kept_profiles`, of this host or another of the same home."""
    return path.name.startswith(("cpu-", "gpu-"))


def kept_profiles() -> list[tuple[Path, Profile]]:
    """The profiles kept for this host and its present runtimes, with their files."""
    files = filter(is_of_this_host, sorted((home() / "profiles").glob("*.yaml")))
    found = [(path, profile) for path in files if (profile := _kept(path)) is not None]
    return [(path, profile) for path, profile in found if _is_present(profile)]


def _check_decides(wanted: Coverage, target: str) -> None:
    if wanted.decides and not host_backend(target).adaptive:
        raise UsageError(
            f"Trackers with bypass or exits cannot be timed on {target}: a compiled network cannot ask what comes "
            "next. Choose a search space without them, or the target cpu or cpu:pytorch."
        )


def _is_present(profile: Profile) -> bool:
    backend = host_backends().get(profile.target)
    return backend is not None and not backend.missing() and _facts(backend) == (profile.device, profile.runtime)


def _facts(backend: Backend) -> tuple[str, str]:
    return backend.device, backend.version


def _stem(target: str) -> str:
    return target.replace(":", "-") + "-"


def _kept(path: Path) -> Profile | None:
    """A damaged file is as good as none: it is only a measurement."""
    try:
        return load_profile(path)
    except FileError:
        return None
