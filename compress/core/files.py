"""Where files lie: those that ship with the package, and those that are kept between runs."""

from __future__ import annotations

import os
import stat
import tempfile
from functools import cache
from pathlib import Path

from compress.core.errors import CompressError, warn
from compress.core.leftovers import temporary_folder

_PACKAGE = Path(__file__).resolve().parent.parent
_ADVICE = "Set COMPRESS_HOME to a folder that can be written to."


def home() -> Path:
    """Where imported weights, measured profiles and kits are kept: `$COMPRESS_HOME`, or `~/.cache/compress`.

    Where there is no home directory, or none that can be written to, `compress-UID` among the temporary files.

    Raises:
        CompressError: not there either.
    """
    named = os.environ.get("COMPRESS_HOME")
    if named:
        return Path(named)
    try:
        place = Path.home() / ".cache" / "compress"
    except RuntimeError:  # neither HOME nor an entry in the user database, as in containers under a foreign user
        return _temporary_home("There is no home directory")
    if place.is_dir() or _problem(place) is None:
        return place
    return _temporary_home(f"{place} cannot be made")


def work_home() -> Path:
    """Where work that can be made anew is kept: `home()`, or beside the temporary files where it only can be read.

    Raises:
        CompressError: neither can be written to.
    """
    place = home()
    problem = _problem(place)
    return place if problem is None else _temporary_home(f"{place} cannot be written to ({problem})")


@cache
def _problem(place: Path) -> str | None:
    """Why nothing can be kept in a folder; found by trying, since permissions do not tell of all reasons."""
    try:
        with temporary_folder(next(folder for folder in (place, *place.parents) if folder.exists())):
            return None
    except OSError as error:
        return error.strerror or str(error)


@cache
def _temporary_home(reason: str) -> Path:
    """This user's folder among the temporary files; one that others have prepared or could change is not used."""
    try:
        place = Path(tempfile.gettempdir()) / f"compress-{os.geteuid()}"
        place.mkdir(mode=0o700, exist_ok=True)
        found = place.lstat()
    except OSError as error:
        raise CompressError(f"{reason}, and no other place was found to keep work ({error}). {_ADVICE}") from error
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid() or found.st_mode & 0o022:
        raise CompressError(f"{reason}, and {place} belongs to somebody else or can be changed by others. {_ADVICE}")
    warn(f"{reason}, so what should last is kept in {place}, which may not outlive a restart. {_ADVICE}")
    return place


def shipped(folder: str) -> Path:
    """A folder of shipped data (`search_spaces`, `hw_profiles`): the source tree's, or the wheel's copy of it."""
    source = _PACKAGE.parent / folder
    if (_PACKAGE.parent / "pyproject.toml").is_file() and source.is_dir():
        return source
    return _PACKAGE / "_data" / folder
