"""Profiles as YAML files, read with suspicion: every mistake is named, together."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from compress.core import FileError, UsageError
from compress.core.files import write_text
from compress.core.plain import from_plain, to_plain
from compress.latency.measured.profile import Profile
from compress.latency.plain_yaml import read_yaml

_MAX_BYTES = 1_000_000


def load_profile(path: Path) -> Profile:
    """Read a profile.

    Raises:
        FileError: missing, too large, not YAML, or not a profile; names every mistake.
    """
    data = read_yaml(path, "profile", most=_MAX_BYTES, wrong=_not_a_profile)
    try:
        profile = from_plain(Profile, data, "profile")
    except UsageError as error:
        raise _not_a_profile(path, str(error)) from error
    problems = list(profile.problems())
    if problems:
        raise _not_a_profile(path, "; ".join(problems) + ".")
    return profile


def save_profile(profile: Profile, path: Path) -> None:
    """Write `profile` as YAML, whole or not at all.

    Raises:
        ValueError: if it holds figures that could not be read back.
    """
    problems = list(profile.problems())
    if problems:
        raise ValueError("; ".join(problems))
    write_text(path, yaml.safe_dump(_rounded(to_plain(profile)), sort_keys=False, allow_unicode=True, width=120))


def _not_a_profile(path: Path, why: str) -> FileError:
    return FileError(f"{path} is not a hardware profile: {why} Remove it, and it is measured again.")


def _rounded(value: Any) -> Any:
    """Six digits: more than any clock gives, and a file of them can be read by eye."""
    if isinstance(value, dict):
        return {k: _rounded(v) for k, v in value.items()}
    if isinstance(value, list):
        return [_rounded(v) for v in value]
    return float(f"{value:.6g}") if isinstance(value, float) else value
