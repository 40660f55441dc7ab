"""Text from files and users, made printable."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from compress.core.text import csv_cell, printable, shell_command


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain – é 犬 \u3000x", "plain – é 犬 \u3000x"),
        ("a\x1b[31m\x07\r\n\tb", "a\\x1b[31m\\x07\\r\\n\\tb"),
        ("\x7f\x9b0c", "\\x7f\\x9b0c"),
        ("evil\u202egpj.exe", "evil\\u202egpj.exe"),
        ("a\u200bb\ufeffc\u2066d", "a\\u200bb\\ufeffc\\u2066d"),
        ("\u2028\U000e0041", "\\u2028\\U000e0041"),
        ("frame\udcff.png", "frame\\xff.png"),
        ("\ud800", "\\ud800"),
        (Path("a\x1bb"), "a\\x1bb"),
    ],
)
def test_what_has_no_shape_is_shown_as_an_escape(text: object, shown: str) -> None:
    assert printable(text) == shown
    assert printable(shown) == shown
    shown.encode()


def test_lines_are_kept_where_asked() -> None:
    assert printable("a\n\tb\r\x1b", lines=True) == "a\n\tb\\r\\x1b"


def test_long_text_is_cut() -> None:
    assert printable("x" * 50, most=10) == "x" * 9 + "…"
    assert printable("x" * 10, most=10) == "x" * 10


WORDS = ["plain", "two words", "a'b", "a\x1b[31mb", "line\nbreak"]
WORDS += ["caf\udce9.mp4", "\u202e", "back\\slash\x01", "$(id)", ""]


def test_commands_are_quoted_and_printable() -> None:
    command = shell_command("printf", "%s\\0", *WORDS)
    assert command.isprintable()
    assert command.startswith("printf '%s\\0' plain 'two words' ")
    assert "$'caf\\xe9.mp4'" in command
    found = subprocess.run(["bash", "-c", command], capture_output=True, check=True).stdout
    assert found.decode("utf-8", "surrogateescape").split("\0")[:-1] == WORDS


@pytest.mark.parametrize(
    ("value", "cell"),
    [
        ("=1+1", "'=1+1"),
        ("+cmd|' /C calc'!A0", "'+cmd|' /C calc'!A0"),
        ("@SUM(A1)", "'@SUM(A1)"),
        ("-2+3", "'-2+3"),
        ("\t=1", "'\\t=1"),
        ("  =1", "'  =1"),
        ("\uff1d1", "'\uff1d1"),
        ("-1_0", "'-1_0"),
        ("-1.5", "-1.5"),
        ("+3e-2", "+3e-2"),
        ("car-2", "car-2"),
        ("a\x1b", "a\\x1b"),
        (-2.5, -2.5),
        (None, None),
        (True, True),
    ],
)
def test_cells_are_never_formulas(value: object, cell: object) -> None:
    assert csv_cell(value) == cell
