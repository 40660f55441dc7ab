"""Estimated profiles as shipped YAML files, checked when read: all mistakes are named at once."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import yaml

from compress.core import UsageError, unknown_name
from compress.core.files import shipped
from compress.core.plain import problems_of, to_plain
from compress.core.plain_files import load_plain
from compress.core.writing import write_file
from compress.latency.estimated.profile import EstimatedProfile

UNFITTED = {
    "agx:tensorrt-fp16": (
        "Nobody has published a tracker's speed on the AGX Xavier under TensorRT: the nearest figure, OSTrack-256 at "
        "about 45 fps, is of the Xavier NX, and one figure fits nothing"
    ),
}
"""Targets that one may well ask for and that cannot be estimated, and why."""

_MAX_BYTES = 100_000
_ADVICE = "Put back the file that came with compress."


def load_estimated(name: str) -> EstimatedProfile:
    """The shipped profile of a target: `agx`, `agx:pytorch`, `orin-nx`, `orin-nx:pytorch`, or its full name.

    Raises:
        UsageError: a target without figures to fit, or an unknown one, with close matches.
        FileError: a shipped file is damaged.
    """
    known = {alias: profile for profile in _all() for alias in profile.names}
    if name in known:
        return known[name]
    if name in UNFITTED:
        raise UsageError(f"There is no estimate for {name!r}. {UNFITTED[name]}. Estimated are {', '.join(known)}.")
    raise unknown_name("estimated target", name, known)


def estimated_names() -> list[str]:
    """The targets that estimates ship for. Raises as `load_estimated`."""
    return sorted(profile.target for profile in _all())


def read_estimated(path: Path) -> EstimatedProfile:
    """Read one file.

    Raises:
        FileError: missing, too large, not YAML, or not an estimated profile; names every mistake.
    """
    kind = "estimated hardware profile"
    return load_plain(EstimatedProfile, path, kind, where="profile", most=_MAX_BYTES, advice=_ADVICE)


def save_estimated(profile: EstimatedProfile, path: Path, *, comment: str) -> None:
    """Write `profile` as YAML below `comment`, whole or not at all.

    Raises:
        ValueError: if it holds figures that could not be read back.
    """
    problems = list(problems_of(profile))
    if problems:
        raise ValueError("; ".join(problems))
    text = yaml.safe_dump(to_plain(profile), sort_keys=False, allow_unicode=True, width=110)
    write_file(path, "".join(f"# {line}".rstrip() + "\n" for line in comment.splitlines()) + text)


@cache
def _all() -> tuple[EstimatedProfile, ...]:
    return tuple(read_estimated(path) for path in sorted(shipped("hw_profiles").glob("*.yaml")))
