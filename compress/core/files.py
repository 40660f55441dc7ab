"""Files: where shipped data lies, and writing that leaves either the old file or the whole new one."""

from __future__ import annotations

import os
from pathlib import Path

from compress.core.writing import write_file, writing

_PACKAGE = Path(__file__).resolve().parent.parent


def home() -> Path:
    """`$COMPRESS_HOME`, or `~/.cache/compress`: imported weights, measured profiles, cached work."""
    return Path(os.environ.get("COMPRESS_HOME") or Path.home() / ".cache" / "compress")


def shipped(folder: str) -> Path:
    """A folder of shipped data (`search_spaces`, `hw_profiles`): the source tree's, or the wheel's copy of it."""
    source = _PACKAGE.parent / folder
    if (_PACKAGE.parent / "pyproject.toml").is_file() and source.is_dir():
        return source
    return _PACKAGE / "_data" / folder


replacing = writing
write_text = write_file
