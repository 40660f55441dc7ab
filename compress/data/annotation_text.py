"""The text of annotation files: lines, and what stands between separators.

In UTF-8 or, with a byte-order mark, UTF-16; lines may end in any way.
"""

from __future__ import annotations

import codecs
import re
from pathlib import Path

from compress.core import FileError
from compress.core.opening import opened, read_bounded

_BYTES_PER_FRAME = 8192
_BYTES = 65536
"""An annotation file may have so many, and so many more per frame: runs of a mask are longest."""
FARTHEST = 1e7
"""Pixels; coordinates beyond are damage, whichever way a data set marks what is absent."""
_ENCODINGS = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))


def read_lines(path: Path, frames: int) -> list[str]:
    """The lines of a file, without empty ones at its end.

    Args:
        frames: How many lines there should be, which bounds the size of the file.

    Raises:
        FileError: it is missing, no text, or too long.
    """
    what = f"annotation file of {frames} images"
    text = _text(path, read_bounded(path, what, _most_bytes(frames), advice="Complete the data."))
    return _split(text.rstrip()) if text.strip() else []


def read_first_line(path: Path) -> str:
    """The first line, whatever follows. Raises FileError where the file cannot be read."""
    with opened(path, "annotation file") as file:
        head = file.read(_BYTES)
    return _split(_text(path, head, errors="replace"))[0]


def read_rows(path: Path, frames: int) -> list[list[str]]:
    """What stands in each line between commas, semicolons, tabs or spaces, for files with more than boxes.

    Args:
        frames: See `read_lines`.

    Raises:
        FileError: see `read_lines`.
    """
    return [fields_of(line) for line in read_lines(path, frames)]


def fields_of(line: str) -> list[str]:
    """What stands between separators; one at the end of a line separates nothing."""
    return re.split(r"\s*[,;]\s*|\s+", re.sub(r"\s*[,;]\s*$", "", line.strip()))


def check_size(path: Path | str, size: int, frames: int) -> None:
    """Raises FileError where an annotation file of `size` bytes is longer than one of so many frames can be."""
    if size > _most_bytes(frames):
        raise FileError(f"{path} has {size:,} bytes, more than any annotation of {frames} images. Correct it.")


def _most_bytes(frames: int) -> int:
    return _BYTES + _BYTES_PER_FRAME * frames


def _text(path: Path, data: bytes, *, errors: str = "strict") -> str:
    encoding = next((name for mark, name in _ENCODINGS if data.startswith(mark)), "utf-8")
    try:
        text = data.decode(encoding, errors)
    except UnicodeDecodeError as error:
        raise FileError(f"Cannot read {path} as text: {error}. Write it anew, one x,y,w,h line per image.") from error
    if "\0" in text:
        raise FileError(f"Cannot read {path} as text: it holds null characters. Write it anew, as UTF-8.")
    return text


def _split(text: str) -> list[str]:
    """Lines as text editors know them; `str.splitlines` ends them at other characters too."""
    return re.split(r"\r\n|\r|\n", text)
