"""The profile of this host's CPU for one family of trackers: measured once, kept under the host's fingerprint."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path

from compress.core import FileError, TrackerSpec
from compress.core.files import home
from compress.core.plain import to_plain
from compress.measure.corners import Corners
from compress.measure.deciding import measured_deciding
from compress.measure.host import host, runtime_name
from compress.measure.profiling import ROUNDS, build_profile
from compress.measure.rounds import Report, silent
from compress.profiles import Family, Profile, load_profile, save_profile


def cpu_profile(
    teacher: TrackerSpec,
    *,
    corners: Corners | None = None,
    threads: int = 1,
    rounds: int = ROUNDS,
    refresh: bool = False,
    strict: bool = False,
    report: Report | None = None,
) -> Profile:
    """The kept profile of this host for the family of `teacher`, or a new one where it does not cover `corners`.

    Args:
        corners: What must be predictable beside `Corners.of(teacher)`.
        threads: Threads of the runtime.
        rounds: Visits to each network; fewer than 10 are not enough for figures to rely on.
        refresh: Measure even where a kept profile would do.
        strict: Refuse what was measured while the machine changed its speed. A search can do without: it compares
            trackers with their teacher, and measures what it trained again.

    Raises:
        CompressError: the machine is too noisy to tell the parts apart; or, where `strict`, as `check_calm`.
    """
    wanted = Corners.of(teacher) if corners is None else corners.union(Corners.of(teacher))
    path = profile_path(teacher, threads)
    kept = _kept(path)
    profile = kept
    if kept is not None:
        wanted = wanted.union(Corners.covered(kept))
    if profile is None or refresh or not wanted.layers_within(Corners.covered(profile)):
        profile = build_profile(teacher, wanted, threads=threads, rounds=rounds, strict=strict, report=report)
    if wanted.decides and profile.deciding is None:
        deciding = measured_deciding(profile, teacher, rounds=rounds, strict=strict, report=report or silent)
        profile = replace(profile, deciding=deciding)
    if profile is not kept:
        save_profile(profile, path)
    return profile


def profile_path(teacher: TrackerSpec, threads: int) -> Path:
    """Where the profile of this host is kept: by host, runtime, threads and family."""
    key = repr((host().id, runtime_name(), threads, sorted(to_plain(Family.of(teacher)).items())))
    return home() / "profiles" / f"cpu-{hashlib.sha256(key.encode()).hexdigest()[:12]}.yaml"


def kept_profiles() -> list[tuple[Path, Profile]]:
    """The profiles kept for this host and its present runtime, with their files."""
    found = [(path, _kept(path)) for path in sorted((home() / "profiles").glob("cpu-*.yaml"))]
    here = (str(host()), runtime_name())
    return [(path, p) for path, p in found if p is not None and (p.device, p.runtime) == here]


def _kept(path: Path) -> Profile | None:
    """A damaged file is as good as none: it is only a measurement."""
    try:
        return load_profile(path)
    except FileError:
        return None
