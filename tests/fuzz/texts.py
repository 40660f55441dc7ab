"""Files of text and of bytes made hostile: JSON, YAML, annotations, and anything by its bytes."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from random import Random
from typing import Any

import yaml

from tests.fuzz.values import ESCAPE, NUMBERS, TEXTS, Raw, dumped, mutated

_RAW_YAML = (
    "&a [*a, *a]", "&a {b: *a}", "*missing", "!!python/object/apply:os.system ['touch x']", "!!int ''", "!!binary ==",
    "!!float x", "!!set {a, b}", "2024-13-45", "0o17", "1:30:00", "? [a, b]\n: c", "<<: *x", "|\n  text", "!!null x",
    "%TAG ! x", "--- \n...\n---\nx: 1", "@x", "`x`", "\t- x", "!<tag:yaml.org,2002:timestamp> x",
    "!!timestamp 9999-99-99",
    "[" * 3000, "[" * 3000 + "]" * 3000, "'" + "x" * 200_000, "[" + "a," * 100_000 + "]",
)  # fmt: skip


def json_text(data: bytes, rng: Random) -> bytes:
    """JSON changed by its structure, sometimes also in its encoding."""
    return encoded(dumped(mutated(json.loads(data), rng)), rng)


def yaml_text(data: bytes, rng: Random) -> bytes:
    """YAML likewise: in block or flow style, with aliases, tags and raw text among the values."""
    value = mutated(yaml.safe_load(data), rng)
    text = dumped(value) if rng.random() < 0.4 else _block(value)
    if rng.random() < 0.25:
        spots = [found.end() for found in re.finditer(r": ", text)] or [0]
        spot = rng.choice(spots)
        end = next((found.start() for found in re.finditer(r"[,}\n]", text[spot:])), 0) + spot
        text = text[:spot] + rng.choice((*_RAW_YAML, _bomb(rng))) + text[end:]
    return encoded(text, rng)


def _bomb(rng: Random) -> str:
    """Aliases of aliases, a billion values when they are followed."""
    levels = rng.choice((5, 9, 30))
    return "{" + ", ".join(f"k{i}: &k{i} [{', '.join([f'*k{i - 1}' if i else 'x'] * 9)}]" for i in range(levels)) + "}"


def _block(value: Any) -> str:
    raw: list[str] = []

    def marked(each: Any) -> Any:
        if isinstance(each, Raw):
            raw.append(each)
            return f"raw{len(raw) - 1}raw"
        if isinstance(each, dict):
            return {str(key): marked(inner) for key, inner in each.items()}
        return [marked(inner) for inner in each] if isinstance(each, list) else each

    text: str = yaml.safe_dump(marked(value), sort_keys=False, allow_unicode=True, width=100)
    return re.sub(r"raw(\d+)raw", lambda found: raw[int(found[1])], text)


def encoded(text: str, rng: Random) -> bytes:
    """As UTF-8, mostly."""
    data = text.encode("utf-8", "surrogatepass")
    kind = rng.randrange(40)
    if kind == 0:
        return b"\xef\xbb\xbf" + data
    if kind == 1:
        return text.encode("utf-16", "surrogatepass")
    if kind == 2:
        return data + rng.choice((b"\0" * 5000, b"\n[]", b"}", b"\xff\xfe", data))
    return data


def lines_text(data: bytes, rng: Random) -> bytes:
    """A file of numbers in lines: other numbers, counts of them, separators, lines."""
    lines = data.decode().splitlines() or [""]
    for _ in range(rng.choice((1, 1, 2, 4))):
        i = rng.randrange(len(lines))
        words = lines[i].split(",")
        rng.choice((_other_word, _other_word, _other_word, _other_line, _other_count))(lines, i, words, rng)
    return encoded(rng.choice(("\n", "\n", "\n", "\r\n", "\r", "\n\n", "\u2028")).join(lines), rng)


def _other_word(lines: list[str], i: int, words: list[str], rng: Random) -> None:
    words[rng.randrange(len(words))] = str(rng.choice((*NUMBERS, *TEXTS, "nan", "inf", "-1", "1,2", " 7 ", "1e5")))
    lines[i] = ",".join(words)


def _other_line(lines: list[str], i: int, words: list[str], rng: Random) -> None:
    made = ("", " ", "nan,nan,nan,nan", "-1,-1,-1,-1", "0,0,0,0", "1e300,1e300,1e300,1e300", "-5,-5,3,3", "9" * 100_000)
    lines[i] = rng.choice((*made, lines[i].replace(",", rng.choice(" \t;,|")), "1,2,3,4,5,6,7,8", "m1,2,3,4,0,3"))


def _other_count(lines: list[str], i: int, words: list[str], rng: Random) -> None:
    lines[i : i + rng.choice((0, 1, len(lines)))] = [lines[i]] * rng.choice((0, 2, 100, 50_000))
    lines[:] = lines or [""]


def byte_changes(data: bytes, rng: Random) -> bytes:
    """Flips, cuts, repeats, insertions and overwritten stretches, mostly near the start, where headers are."""
    found = bytearray(data)
    for _ in range(rng.choice((1, 1, 2, 3, 8, 30))):
        rng.choice(_BYTES)(found, _spot(len(found), rng), rng)
    return bytes(found)


def _spot(size: int, rng: Random) -> int:
    near = rng.choice((16, 64, 512, size, size))
    spot = rng.randrange(max(1, min(size, near)))
    return max(0, size - 1 - spot) if rng.random() < 0.25 else spot


def _flip(data: bytearray, at: int, rng: Random) -> None:
    if data:
        data[at] ^= 1 << rng.randrange(8)


def _put(data: bytearray, at: int, rng: Random) -> None:
    numbers = (0, 1, 0xFF, 0x7FFFFFFF, 0xFFFFFFFF, 0xFFFFFFFFFFFFFFFF)
    made = rng.choice(numbers).to_bytes(8, rng.choice(("little", "big")))
    data[at : at + 4] = rng.choice((made[:4], made[-4:], made, rng.randbytes(4)))


def _cut(data: bytearray, at: int, rng: Random) -> None:
    del data[at : rng.choice((len(data), at + 1, at + 7, at + 500))]


def _again(data: bytearray, at: int, rng: Random) -> None:
    part = data[at : at + rng.choice((1, 8, 100, 5000))]
    data[at:at] = part * rng.choice((1, 3, 40))


def _move(data: bytearray, at: int, rng: Random) -> None:
    start = rng.randrange(max(1, len(data)))
    data[at : at + 64] = data[start : start + 64]


def _noise(data: bytearray, at: int, rng: Random) -> None:
    data[at:at] = rng.choice((b"\0" * 100, b"\xff" * 100, rng.randbytes(50), f"../../{ESCAPE}".encode(), b"<html>"))


_BYTES: tuple[Callable[[bytearray, int, Random], None], ...] = (_flip, _flip, _put, _put, _cut, _again, _move, _noise)
