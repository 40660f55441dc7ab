"""Arrays of a large JSON file, one element at a time: neither the file nor an array is ever in memory as a whole."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from compress.core import FileError
from compress.core.opening import opened

_CHUNK = 2**20
_MOST = 2**24
"""Characters of one element, or of what is not asked for; such as a file that is no JSON is read so far."""
_SPACE = " \t\n\r"
_NUMBER = ("", *"+-.0123456789Ee")


def array_elements(path: Path, keys: tuple[str, ...], what: str) -> Iterator[tuple[str, Any]]:
    """Each element of the arrays that a JSON object has under some keys, with its key, in the order of the file.

    What stands under other keys is passed over. Of the same key twice, both are given.

    Args:
        what: What the file should be, for messages.

    Raises:
        FileError: it is missing, no JSON object, cut off, goes on after its end, or an element is larger than 16 MB.
    """
    with opened(path, what, advice="Complete the data.") as file:
        text = _Text(io.TextIOWrapper(file, encoding="utf-8-sig"), path, what)
        text.expect("{")
        while text.more("}"):
            key = text.value()
            text.expect(":")
            if key not in keys or text.peek() != "[":
                text.value()
                continue
            text.expect("[")
            while text.more("]"):
                yield key, text.value()
        text.expect_end()


class _Text:
    """The part of a JSON text that is looked at; more is read when it ends."""

    def __init__(self, file: io.TextIOWrapper, path: Path, what: str) -> None:
        self._file, self._path, self._what = file, path, what
        self._text, self._at, self._ended, self._first = "", 0, False, True
        self._decoder = json.JSONDecoder()

    def peek(self) -> str:
        """The next character that is no space; empty at the end."""
        while True:
            while self._at < len(self._text) and self._text[self._at] in _SPACE:
                self._at += 1
            if self._at < len(self._text) or not self._read():
                return self._text[self._at : self._at + 1]

    def expect(self, character: str) -> None:
        """Go past a character. Raises FileError where another one stands there."""
        if self.peek() != character:
            raise self._broken(f"{character!r} is missing")
        self._at += 1
        self._first = character in "[{"

    def expect_end(self) -> None:
        """Raises FileError where anything but space follows."""
        if self.peek():
            raise self._broken("something follows its end")

    def more(self, end: str) -> bool:
        """Whether another element follows in an array or object; goes past what separates it, or past its end."""
        if self.peek() == end:
            self.expect(end)
            return False
        if not self._first:
            self.expect(",")
        self._first = False
        return True

    def value(self) -> Any:
        """Go past a value. Raises FileError where there is none."""
        self.peek()
        while True:
            try:
                value, end = self._decoder.raw_decode(self._text, self._at)
                length = end - self._at
                cut = self._text[end : end + 1] in _NUMBER  # at the end, or a number goes on: `-1` of `-1.5`
                complete = not cut or not self._read()  # which moves what is looked at to its start
            except (ValueError, RecursionError) as error:  # cut off, or none
                if len(self._text) - self._at > _MOST or not self._read():
                    raise self._broken(_why(error)) from error
                continue
            if complete:
                self._at, self._first = self._at + length, False
                return value

    def _read(self) -> bool:
        try:
            chunk = "" if self._ended else self._file.read(_CHUNK)
        except (OSError, UnicodeDecodeError) as error:
            raise self._broken(str(error)) from error
        self._ended = not chunk
        self._text, self._at = self._text[self._at :] + chunk, 0
        return bool(chunk)

    def _broken(self, why: str) -> FileError:
        return FileError(f"The {self._what} {self._path} is no whole JSON file: {why}. Download it again.")


def _why(error: Exception) -> str:
    """Python's own words about integers of very many digits advise a programmer."""
    return "it has an integer of thousands of digits" if "set_int_max_str_digits" in str(error) else str(error)
