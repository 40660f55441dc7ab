"""Errors that are not this package's own as paragraphs: what the system refused, and what to do."""

from __future__ import annotations

import errno
import os

from compress.core import FileError
from compress.core.text import printable

_ADVICE = {
    errno.ENOSPC: ("The disk is full", "Free some space, or write elsewhere, and run the same command again."),
    errno.EDQUOT: ("The disk quota is used up", "Free some space, or write elsewhere, and run the same command again."),
    errno.EROFS: ("The file system is read-only", "Choose a place that can be written to."),
    errno.EACCES: ("Permission is missing", "Check who owns it, or choose another place."),
    errno.EPERM: ("Permission is missing", "Check who owns it, or choose another place."),
    errno.EFBIG: ("The file would be larger than is allowed here", "Write elsewhere, or raise the limit (ulimit -f)."),
    errno.ENAMETOOLONG: ("The name is too long for this file system", "Choose a shorter one."),
    errno.ENOENT: ("There is no such file or directory", "Check the spelling."),
    errno.EEXIST: ("The file already exists", "Remove it, or choose another place."),
    errno.ENOTDIR: ("A file stands where a directory should", "Remove it, or choose another place."),
    errno.EPIPE: ("A pipe was closed by its reader", "Start the reader again, or name a file."),
    errno.EISDIR: ("A directory stands where a file should", "Name a file."),
}


_NO_MEMORY = ("can't allocate memory", "out of memory", "insufficient memory", "bad_alloc", "failed to allocate")
"""How PyTorch, OpenCV and onnxruntime say that memory ran out; each raises an error of its own kind."""


def os_paragraph(error: OSError) -> str:
    """What the system refused, where, and what to do."""
    place = f": {printable(os.fsdecode(error.filename))}" if isinstance(error.filename, str | bytes) else ""
    if error.errno in _ADVICE:
        what, advice = _ADVICE[error.errno]
        return f"{what}{place}. {advice}"
    return f"{error.strerror or error}{place}. COMPRESS_DEBUG=1 shows where."


def check_directory() -> None:
    """Raises FileError where the working directory is gone: relative paths mean nothing, and libraries end there."""
    try:
        os.getcwd()
    except FileNotFoundError as error:
        raise FileError(
            "The directory in which the command was started is gone. Change to one that is there."
        ) from error


def unexpected_paragraph(error: Exception) -> str:
    """An error that nothing in this package foresaw: memory that ran out, a name that is no text, or a fault."""
    detail = printable(" ".join(str(error).split()), most=1_000)
    if isinstance(error, MemoryError) or any(words in detail.lower() for words in _NO_MEMORY):
        return "Memory ran out. Close other programs, ask for less at a time, or use a machine with more memory."
    if isinstance(error, UnicodeEncodeError) and error.reason == "surrogates not allowed":
        name = printable(error.object, most=200)
        return f"A name with bytes that are no UTF-8 text cannot be used here: {name}. Rename it, or use a link to it."
    return (
        f"Unexpected {type(error).__name__}{': ' + detail if detail else ''}. This is a fault of compress or of "
        "its setup; run the command again with COMPRESS_DEBUG=1 to see the traceback."
    )
