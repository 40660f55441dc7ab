"""Profiles as YAML files, checked when read: all mistakes are named at once."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from compress.core.plain import problems_of, to_plain
from compress.core.plain_files import load_plain
from compress.core.writing import write_file
from compress.latency.measured.profile import Profile

_MAX_BYTES = 1_000_000
_ADVICE = "Remove it, and it is measured again."


def load_profile(path: Path, *, advice: str = _ADVICE) -> Profile:
    """Read a profile.

    Args:
        advice: What to do where it is none; a sentence.

    Raises:
        FileError: missing, too large, not YAML, or not a profile; names every mistake.
    """
    return load_plain(Profile, path, "hardware profile", where="profile", most=_MAX_BYTES, advice=advice)


def save_profile(profile: Profile, path: Path) -> None:
    """Write `profile` as YAML, whole or not at all.

    Raises:
        ValueError: if it holds figures that could not be read back.
    """
    problems = list(problems_of(profile))
    if problems:
        raise ValueError("; ".join(problems))
    write_file(path, yaml.safe_dump(_rounded(to_plain(profile)), sort_keys=False, allow_unicode=True, width=120))


def _rounded(value: Any) -> Any:
    """Six digits: more than any clock gives, and a file of them can be read by eye."""
    if isinstance(value, dict):
        return {k: _rounded(v) for k, v in value.items()}
    if isinstance(value, list):
        return [_rounded(v) for v in value]
    return float(f"{value:.6g}") if isinstance(value, float) else value
