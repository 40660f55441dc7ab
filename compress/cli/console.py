"""What reaches the terminal: stdout and stderr that any encoding can hold, and that never carry control characters."""

from __future__ import annotations

import codecs
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any, TextIO, cast

from compress.core.text import printable

_ERRORS = "compress.readable"

_PLAIN = {
    **{"–": "-", "—": "-", "−": "-", "·": ".", "•": "*", "×": "x", "…": "...", "→": "->", "±": "+-", "‖": "||"},
    **{"≥": ">=", "≤": "<=", "≈": "~", "∞": "inf", "√": "sqrt", "²": "2", "½": "1/2", "°": " deg", "µ": "u"},
    **{"“": '"', "”": '"', "‘": "'", "’": "'", "\u00a0": " ", "\u202f": " ", "\u2009": " ", "�": "?", "§": "section "},
    **{
        "α": "alpha",
        "μ": "mu",
        "γ": "gamma",
        "ρ": "rho",
        "σ": "sigma",
        "τ": "tau",
        "ζ": "zeta",
        "λ": "lambda",
        "π": "pi",
        "Δ": "delta",
    },
    **{"━": "-", "╸": "-", "╺": "-", "─": "-", "Σ": "sum", "ₖ": "_k", "₁": "_1", "₂": "_2", "ü": "ue"},
}
"""How this package's own characters are written where the encoding lacks them; others are shown as escapes."""


class ReaderLeft(Exception):
    """What reads stdout, such as `head`, wants no more of it. No OSError, of which click takes some for its own."""


class PrintableStream:
    """A text stream in front of another, through which no control character passes.

    It has no `buffer`: click would write around it, as UTF-8, where the stream's encoding is ASCII.

    Args:
        stream: Where text goes.
        words: Words of the command with line breaks, which messages quote; they are shown on one line.
        lenient: Give up silently where nothing can be written any more, as on a closed stderr.
        escape: False for programs that draw with control characters, and make their texts printable themselves.
    """

    def __init__(
        self, stream: TextIO, *, words: Sequence[str] = (), lenient: bool = False, escape: bool = True
    ) -> None:
        self._stream, self._words, self._lenient, self._escape = stream, tuple(words), lenient, escape

    def write(self, text: str) -> int:
        """Write text; returns the number of its characters, as text streams do."""
        if not isinstance(text, str):
            raise TypeError(f"a text stream takes text, not {type(text).__name__}")
        length = len(text)
        if self._escape:
            for word in self._words:
                text = text.replace(word, printable(word))
            text = printable(text, lines=True)
        with self._failures():
            self._stream.write(text)
        return length

    def writelines(self, lines: Sequence[str]) -> None:
        """Write each text."""
        for line in lines:
            self.write(line)

    def flush(self) -> None:
        """Flush the stream."""
        with self._failures():
            self._stream.flush()

    def unescaped(self) -> PrintableStream:
        """The same stream for a program that draws with control characters."""
        return PrintableStream(self._stream, lenient=self._lenient, escape=False)

    @contextmanager
    def _failures(self) -> Iterator[None]:
        try:
            yield
        except BrokenPipeError:
            if not self._lenient:
                raise ReaderLeft from None
        except (OSError, ValueError):
            if not self._lenient:
                raise

    def __getattr__(self, name: str) -> Any:
        if name == "buffer":
            raise AttributeError(name)
        return getattr(self._stream, name)


@contextmanager
def printable_streams(args: Sequence[str] | None = None) -> Iterator[None]:
    """Within, stdout and stderr write every text, in any encoding, without control characters.

    Args:
        args: The words of the command, by default those of this process.
    """
    broken = _with_breaks(sys.argv[1:] if args is None else args)
    before = sys.stdout, sys.stderr
    with _readable(sys.stdout), _readable(sys.stderr):
        if sys.stdout is not None:
            sys.stdout = cast(TextIO, PrintableStream(sys.stdout, words=broken))
        if sys.stderr is not None:
            sys.stderr = cast(TextIO, PrintableStream(sys.stderr, words=broken, lenient=True))
        try:
            yield
        finally:
            sys.stdout, sys.stderr = before


def for_drawing(stream: TextIO) -> TextIO:
    """`stream` for rich, which draws with control characters; texts given to it must be printable."""
    return cast(TextIO, stream.unescaped()) if isinstance(stream, PrintableStream) else stream


def encodes_everything(stream: TextIO) -> bool:
    """Whether a stream's encoding has all characters."""
    return (getattr(stream, "encoding", None) or "utf-8").lower().replace("_", "-").startswith("utf")


def open_missing_descriptors() -> None:
    """Give standard descriptors that the caller closed to the null device.

    The next files opened would get their numbers, and what libraries print would be written into them.
    """
    with suppress(OSError):
        while (descriptor := os.open(os.devnull, os.O_RDWR)) <= 2:
            os.set_inheritable(descriptor, True)
        os.close(descriptor)


def _with_breaks(args: Sequence[str]) -> list[str]:
    """Values among the words of a command that hold line breaks or tabs."""
    values = [word.partition("=")[2] if word.startswith("-") else word for word in args]
    return [value for value in values if value.strip() and not {"\n", "\t"}.isdisjoint(value)]


@contextmanager
def _readable(stream: Any) -> Iterator[None]:
    """Within, characters that the stream's encoding lacks are written in other ones."""
    errors = getattr(stream, "errors", None)
    if errors is None or not hasattr(stream, "reconfigure"):
        yield
        return
    codecs.register_error(_ERRORS, _readable_form)
    with suppress(OSError, ValueError):
        stream.reconfigure(errors=_ERRORS)
    try:
        yield
    finally:
        with suppress(OSError, ValueError):
            stream.reconfigure(errors=errors)


def _readable_form(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    missing = error.object[error.start : error.end]
    return "".join(_PLAIN.get(c) or ascii(c)[1:-1] for c in missing), error.end
