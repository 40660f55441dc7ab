"""What an answer must be: a documented exit code, one paragraph, nothing written elsewhere, sane where it succeeds."""

from __future__ import annotations

import json
import math
import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

SECONDS, MEGABYTES = 30.0, 2048
"""The most that a mutant may take: time that it runs or sleeps, not what it waits for a processor; resident memory."""

CODES = (0, 1, 2, 3)
_LONGEST = 4000
_NEVER = (
    "Traceback (most recent",
    "fault of compress",
    "terminate called",
    "[E:onnxruntime",
    "[W:onnxruntime",
    "set_int_max",
)
_SHARES = {"ao", "ao_seq", "sr50", "sr75", "auc", "precision20", "pnorm20", "success", "mean_iou"}


@dataclass(frozen=True)
class Answer:
    """What became of a mutant.

    Attributes:
        code: Exit code; negative the signal that ended it.
        out, err: What it wrote to its streams.
        seconds, megabytes: As in `SECONDS` and `MEGABYTES`, of the process and those that it waited for.
        over: The limit that it was stopped at: `time`, `memory` or empty.
        outside: What it wrote, or tried to, where it may not.
        left: What it left in its folder for temporary files, or half written.
        changed: What was changed in the files, in words.
    """

    code: int
    out: bytes
    err: bytes
    seconds: float
    megabytes: float
    over: str = ""
    outside: list[str] = field(default_factory=list)
    left: list[str] = field(default_factory=list)
    changed: str = ""


def faults(answer: Answer, folder: Path, codes: tuple[int, ...] = CODES) -> list[str]:
    """Everything that is wrong with an answer.

    Args:
        folder: Where the command ran.
        codes: What it may end with.
    """
    return list(_faults(answer, folder, codes))


def _faults(answer: Answer, folder: Path, codes: tuple[int, ...]) -> Iterator[str]:
    if answer.over or answer.seconds > SECONDS or answer.megabytes > MEGABYTES:
        stopped = f", stopped for {answer.over}" if answer.over else ""
        yield f"it took {answer.seconds:.1f} s and {answer.megabytes:.0f} MB{stopped}"
    if answer.over:
        return
    if answer.code not in codes:
        yield f"it ended with {answer.code}: {answer.err[:300]!r}"
    yield from (f"written outside: {each}" for each in answer.outside)
    yield from (f"left behind: {each}" for each in answer.left)
    for name, data in (("stdout", answer.out), ("stderr", answer.err)):
        yield from _words(name, data)
    error = answer.err.decode(errors="replace").strip()
    if answer.code:
        yield from _paragraph(error)
    else:
        yield from _insane(answer, folder)


def _words(name: str, data: bytes) -> Iterator[str]:
    try:
        text = data.decode()
    except UnicodeDecodeError:
        yield f"{name} is not UTF-8: {data[:200]!r}"
        return
    for words in _NEVER:
        if words in text:
            yield f"{name} has {words!r}: {text.strip()[-300:]!r}"
    bad = {c for c in text if c != "\n" and unicodedata.category(c) in ("Cc", "Cs") or c in "\u202a\u202b\u202d\u202e"}
    if bad:
        yield f"{name} has control characters {sorted(map(ascii, bad))[:5]}"


def _paragraph(error: str) -> Iterator[str]:
    error = re.sub(r"^(Warning: .*\n)*", "", error)
    progress = r"(batch \d+ of \d+: \d+%\n)*"  # of measure.pyz, which has no --quiet
    error = re.sub(f"^{progress}", "", error)
    if not error.startswith("Error: "):
        yield f"stderr does not begin with the error: {error[:300]!r}"
    if "\n\n" in error or len(re.findall("^Error: ", error, re.MULTILINE)) > 1:
        yield f"stderr is not one paragraph: {error[:300]!r}"
    if len(error) > _LONGEST:
        yield f"stderr is {len(error)} characters long"


def _insane(answer: Answer, folder: Path) -> Iterator[str]:
    text = answer.out.decode(errors="replace")
    if text[:1] in ("{", "["):
        try:
            yield from _figures(json.loads(text), "stdout")
        except ValueError as error:
            yield f"stdout is no JSON: {error}"
    for path in folder.glob("cache/weights/*.safetensors"):
        yield from _weights(path)
    for path in folder.glob("in/run/weights.safetensors"):
        yield from _weights(path)
    for path in folder.glob("out/boxes.txt"):
        yield from _boxes(path)


def _figures(value: Any, where: str) -> Iterator[str]:
    if isinstance(value, dict):
        for key, each in value.items():
            yield from _figures(each, f"{where}.{key}")
    elif isinstance(value, list):
        for i, each in enumerate(value):
            yield from _figures(each, f"{where}[{i}]")
    elif isinstance(value, float | int) and not isinstance(value, bool):
        name = where.rpartition(".")[2]
        if not math.isfinite(value):
            yield f"{where} is {value}"
        elif name in _SHARES and not 0 <= value <= 1:
            yield f"{where} is {value}, no share"
        elif (name == "fps" or name.endswith("_ms")) and ".given" not in where and value <= 0:
            yield f"{where} is {value}, no time"


def _weights(path: Path) -> Iterator[str]:
    import numpy as np
    from safetensors.numpy import load_file

    for name, value in load_file(path).items():
        if not np.isfinite(value).all():
            yield f"{path.name} has {name} that is not finite"


def _boxes(path: Path) -> Iterator[str]:
    rows = [line.split(",") for line in path.read_text().splitlines()]
    if not rows or any(len(row) != 4 or not all(math.isfinite(float(word)) for word in row) for row in rows):
        yield f"{path.name} has boxes that are none: {rows[:2]}"
