"""safetensors files, opened with their header checked."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

from safetensors import SafetensorError, safe_open

from compress.core import FileError
from compress.core.opening import opened
from compress.core.text import printable

_MOST_HEADER = 4 << 20
"""Bytes of a header; those of networks with thousands of tensors have hundreds of thousands."""

# What the library raises on hostile files beside its own error: of element types without one in PyTorch, for instance.
_DAMAGE = (SafetensorError, OSError, ValueError, TypeError, KeyError, AttributeError, RuntimeError, OverflowError)


def is_safetensors(head: bytes) -> bool:
    """Whether a file that begins with `head` claims to be one: the length of a header of JSON, and the header."""
    return head[8:9] == b"{" and not head[:8].decode("latin-1").isprintable()


@contextmanager
def open_safetensors(path: Path, what: str, *, advice: str) -> Iterator[Any]:
    """The library's handle of a file, for tensors and metadata.

    Args:
        what: What the file should be, for messages.
        advice: What to do where it is damaged; a sentence.

    Raises:
        FileError: it is missing, no regular file or damaged, also while the block reads from the handle.
    """
    with opened(path, what, advice=advice) as file:
        _check_header(file.read(8), path, what, advice)
        try:
            with safe_open(_for_library(path, file), framework="pt") as handle:
                yield handle
        except _DAMAGE as error:
            # The library quotes what it found, whatever its length.
            reason = printable(str(error).strip().rstrip("."), most=300) or type(error).__name__
            raise FileError(f"{path} is not a whole safetensors file ({reason}). {advice}") from error


def reason_of(error: Exception) -> str:
    """Why a file could not be written, without the temporary one that the library writes to first."""
    return str(error).partition(" at path ")[0]


def _check_header(head: bytes, path: Path, what: str, advice: str) -> None:
    length = struct.unpack("<Q", head)[0] if len(head) == 8 else 0
    if length > _MOST_HEADER:
        raise FileError(
            f"{path} is no {what}: it claims a header of {length} bytes, and none has more than {_MOST_HEADER}. "
            f"{advice}"
        )


def _for_library(path: Path, file: BinaryIO) -> Path:
    """`path`, or the open file by its number where the path is not UTF-8, which the library wants of names."""
    try:
        str(path).encode()
    except UnicodeEncodeError:
        return Path(f"/dev/fd/{file.fileno()}")
    return path
