"""What ends one student, what ends the whole search, and how either is said."""

from __future__ import annotations

import errno
from pathlib import Path
from time import monotonic
from traceback import extract_tb

from compress.core import CompressError
from compress.core.progress import Progress
from compress.core.text import printable

MOST_IN_A_ROW = 10
"""Students that may fail one after the other."""

_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


class TooLongError(CompressError):
    """A student takes longer than it may."""


class FailuresInARow:
    """Counts students that fail one after the other."""

    def __init__(self, most: int = MOST_IN_A_ROW) -> None:
        self._most = most
        self._reasons: list[str] = []

    def count(self, variant: str, error: str) -> None:
        """Take in a result; `error` is empty for one that did not fail.

        Raises:
            CompressError: so many have failed that the next ones would, too.
        """
        self._reasons = [*self._reasons, f"{variant}: {error}"] if error else []
        if len(self._reasons) < self._most:
            return
        others = len({reason.partition(": ")[2] for reason in self._reasons}) - 1
        more = f", and {others} other reasons that the report names" if others else ""
        raise CompressError(
            f"{self._most} students in a row have failed, the last, {printable(self._reasons[-1], most=1_000)}{more}. "
            "The search stops here, as the next ones would fail, too. Nothing is lost: put that right, and the same "
            "command goes on with other students."
        )


def within_time(progress: Progress, most_s: float | None) -> Progress:
    """`progress`, which from `most_s` seconds after this call on raises TooLongError instead."""
    if most_s is None:
        return progress
    end = monotonic() + most_s

    def limited(*args: object, **kwargs: object) -> None:
        if monotonic() > end:
            raise TooLongError(f"It took longer than the {most_s / 60:.3g} minutes that a student may take.")
        progress(*args, **kwargs)  # type: ignore[arg-type]

    return limited


def is_disk_full(error: BaseException | None) -> bool:
    """Whether an error, or what it came from, is that a disk has no room; libraries say so in words alone."""
    for _ in range(10):
        if error is None:
            return False
        if (isinstance(error, OSError) and error.errno in _FULL) or "No space left on device" in str(error):
            return True
        error = error.__cause__ or error.__context__
    return False


def disk_full(error: BaseException, run_dir: Path) -> CompressError:
    """What to do about a disk without room."""
    where = error.filename if isinstance(error, OSError) and error.filename else "the run or of the store"
    return CompressError(
        f"There is no room left on the disk of {printable(str(where), most=300)}, or it is over a quota. What was "
        f"finished in {run_dir} is whole. Free some space (compress cache shows what the store holds, and prunes it) "
        "and run the same command again: it continues there."
    )


def fault_of(error: Exception) -> str:
    """Why a student failed, where that is an error of a program: its kind, its words, and where it arose."""
    at = extract_tb(error.__traceback__)
    place = f" at {Path(at[-1].filename).name}:{at[-1].lineno}" if at else ""
    return f"Its job ended by {type(error).__name__}{place}: {printable(str(error), most=500)}"
