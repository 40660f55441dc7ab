"""Text from files and users as it may be printed: on a terminal, as a command to copy, in a cell of a table.

File names, names in files and messages of libraries can hold characters that a terminal obeys, that reorder what a
person reads, or that no encoding has. They are shown as escapes, so that what is there can be seen.
"""

from __future__ import annotations

import shlex
from typing import Any

_INVISIBLE = ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp")
"""Unicode's categories of characters without a shape of their own: controls, bidirectional and zero-width marks, lone
surrogates, private use, unassigned, separators of lines and paragraphs."""

_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\uff1d", "\uff0b", "\uff0d", "\uff20")
"""Beginnings of cells that spreadsheets take for formulas, the full-width forms of Japanese ones among them."""


def printable(text: object, *, lines: bool = False, most: int | None = None) -> str:
    r"""`text` with visible escapes such as `\x1b` and `\u202e` in place of characters that have no shape.

    Bytes that are no text, which Python keeps as lone surrogates, are shown as `\xff`.

    Args:
        text: Text, or a value that is shown as text, such as a path or an exception.
        lines: Keep line breaks and tabs, as in a message of several lines; without it the result is one line.
        most: Characters of the result; a longer one is cut, and ends with `…`.
    """
    found = str(text)
    if not found.isprintable():
        kept = "\n\t" if lines else ""
        found = "".join(c if c.isprintable() or c in kept else _escaped(c) for c in found)
    return found if most is None or len(found) <= most else found[: most - 1] + "…"


def shell_command(*words: object) -> str:
    r"""Words as one line to paste into a shell: quoted, and printable as with `printable`.

    A word with characters that have no shape is written as `$'\x1b'`, which bash, zsh and other shells after
    POSIX.1-2024 read back to exactly its bytes.
    """
    return " ".join(_quoted(str(word)) for word in words)


def csv_cell(value: Any) -> Any:
    """A value for a cell of a CSV file: numbers as they are, text printable and never a formula.

    Text that a spreadsheet would run (OWASP, "CSV Injection") begins with `'`; text that is a number stays.
    """
    if not isinstance(value, str):
        return value
    if value.lstrip(" ").startswith(_FORMULA) and not _is_number(value):
        value = "'" + value
    return printable(value)


def _escaped(character: str) -> str:
    from unicodedata import category

    if category(character) not in _INVISIBLE:  # spaces of other widths
        return character
    if "\udc80" <= character <= "\udcff":
        return f"\\x{ord(character) - 0xDC00:02x}"
    return ascii(character)[1:-1]


def _quoted(word: str) -> str:
    if word == printable(word):
        return shlex.quote(word)
    return "$'" + "".join(_shell_escaped(c) for c in word) + "'"


def _shell_escaped(character: str) -> str:
    if character in "\\'":
        return "\\" + character
    if printable(character) == character:
        return character
    code = ord(character)
    errors = "surrogateescape" if 0xDC80 <= code <= 0xDCFF else "surrogatepass"
    return "".join(f"\\x{byte:02x}" for byte in character.encode("utf-8", errors))


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return "_" not in text
