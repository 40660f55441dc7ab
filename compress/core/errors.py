"""Errors, each one paragraph: what was wanted, what was found, what to do next."""

from __future__ import annotations

import difflib
import warnings
from collections.abc import Iterable


class CompressError(Exception):
    """Base of every error this package raises on purpose; the command line exits with `exit_code`."""

    exit_code = 1


class UsageError(CompressError):
    """A name or value given by the user is not one that can be used."""

    exit_code = 2


class InfeasibleError(CompressError):
    """No variant meets the constraint."""

    exit_code = 3


class InterruptedRun(CompressError):
    """The user stopped a run that can be continued."""

    exit_code = 130


class FileError(CompressError):
    """A file is missing, damaged, or does not hold what its place promises."""


class CompressWarning(UserWarning):
    """What makes a result less reliable than it looks; the command line prints it on stderr and goes on."""


def warn(text: str) -> None:
    """Warn the user of the package, as a `CompressWarning`, in the words of an error: what was found, what to do."""
    warnings.warn(text, CompressWarning, stacklevel=3)


def unknown_name(kind: str, name: str, known: Iterable[str]) -> UsageError:
    """The error for an unknown name, with close matches.

    Args:
        kind: What the name should have named, e.g. `"teacher"`.
        name: What was given.
        known: Every valid name.
    """
    names = sorted(known)
    close = difflib.get_close_matches(name, names, n=3, cutoff=0.5)
    hint = f"Did you mean {' or '.join(close)}?" if close else f"Known: {', '.join(names)}."
    return UsageError(f"Unknown {kind} {name!r}. {hint}")
