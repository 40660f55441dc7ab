"""Profiles of this host for one family of trackers each: measured once, kept under the host's fingerprint."""

from __future__ import annotations

import hashlib
import tempfile
from dataclasses import replace
from pathlib import Path

from compress.core import FileError, TrackerSpec, UsageError, warn
from compress.core.files import home
from compress.core.plain import to_plain
from compress.core.progress import Progress, no_progress, part
from compress.core.threads import check_threads
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
    progress: Progress = no_progress,
) -> Profile:
    """The kept profile of this host for the family of `teacher`, or a new one where it does not cover `coverage`.

    Args:
        target: One of `host_backends`.
        coverage: What must be predictable beside `Coverage.of(teacher)`.
        threads: Threads of the runtime.
        rounds: Visits to each network; fewer than 10 are not enough for figures to rely on.
        refresh: Measure even where a kept profile would do.

    Raises:
        UsageError: bypass and exits under a runtime that cannot run them; or a number of threads that cannot be.

    Warns:
        CompressWarning: before anything is measured, where the profile cannot be kept or there are more threads than
            cores; it is measured and used all the same.
    """
    teacher = teacher.in_fp32  # all that is measured runs in the target's
    wanted = Coverage.of(teacher) if coverage is None else coverage.union(Coverage.of(teacher))
    _check_decides(wanted, target)
    path = profile_path(teacher, threads, target)
    kept = _kept_for(path, teacher, threads, target)
    if kept is not None:
        wanted = wanted.union(Coverage.covered(kept))
    if kept is not None and not refresh and wanted.within(Coverage.covered(kept)):
        return kept
    check_threads(threads)
    keepable = check_keepable(path)
    known = None if refresh else kept
    found = _measured(known, teacher, wanted, target=target, threads=threads, rounds=rounds, progress=progress)
    if keepable:
        keep(found, path)
    return found


def _measured(
    known: Profile | None,
    teacher: TrackerSpec,
    wanted: Coverage,
    *,
    target: str,
    threads: int,
    rounds: int,
    progress: Progress,
) -> Profile:
    """A profile that covers what is wanted; what is known of its layers is not measured again."""
    if known is None or not wanted.layers_within(Coverage.covered(known)):
        layers = part(progress, 0, 0.7 if wanted.decides else 1)
        known = build_profile(teacher, wanted, target=target, threads=threads, rounds=rounds, progress=layers)
    if not wanted.decides or known.routing_overhead is not None:
        return known
    overhead = measured_routing_overhead(known, teacher, rounds=rounds, progress=part(progress, 0.7, 1))
    return replace(known, routing_overhead=overhead)


def check_keepable(path: Path) -> bool:
    """Whether a profile can be kept at `path`; warns before anything is measured where it cannot."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=path.parent):
            return True
    except OSError as error:
        warn(
            f"What is measured now is used, but cannot be kept: {path.parent} cannot be written "
            f"({error.strerror or error}). Set COMPRESS_HOME to a folder that can, or it is measured again each time."
        )
        return False


def keep(profile: Profile, path: Path) -> None:
    """Write a profile that took a minute to measure; where that fails, such as on a full disk, it is still good."""
    try:
        save_profile(profile, path)
    except OSError as error:
        warn(f"The profile was measured and is used, but could not be kept at {path} ({error.strerror or error}).")


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


def _kept_for(path: Path, teacher: TrackerSpec, threads: int, target: str) -> Profile | None:
    """The profile kept for a family; a file that holds another one is as good as none."""
    found, wanted = _kept(path), (Family.of(teacher), threads, target)
    return found if found is not None and (found.family, found.threads, found.target) == wanted else None


def _kept(path: Path) -> Profile | None:
    """A damaged file is as good as none: it is only a measurement."""
    try:
        return load_profile(path)
    except FileError:
        return None
