"""Learning curves: the parts of the loss by step, of each variant that was trained, in `curves/VARIANT.jsonl` of a run.

A line for each report of a training. One that is killed and goes on from its last save writes steps again; the later
line counts. A curve says how a training went, and nothing depends on it: what lies there and is none is no curve.
"""

from __future__ import annotations

import json
import math
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from compress.core import FileError
from compress.core.opening import read_bounded
from compress.core.plain_files import parse_json
from compress.core.text import printable

_FOLDER = "curves"
_MOST_BYTES = 8 * 2**20
_MOST_POINTS, _MOST_PARTS = 20_000, 64
_STEP = re.compile(r"Distilling: step (\d{1,12}) of \d")


@dataclass(frozen=True)
class CurvePoint:
    """One report of a training.

    Attributes:
        step: Of all that the variant was trained by itself, counted from 1.
        parts: Means of the parts of the loss since the report before, by name; `loss` is what is minimised.
    """

    step: int
    parts: Mapping[str, float]


class CurveFile:
    """Writes the curve of one variant.

    Args:
        before: Steps that it was trained before what is reported now.
    """

    def __init__(self, run_dir: Path, variant: str, before: int = 0) -> None:
        self._path, self._before = _path(run_dir, variant), before

    def add(self, step: int, parts: Mapping[str, float]) -> None:
        """Append a report; `step` counts from 1 in the training that reports. Raises OSError where it cannot."""
        self._path.parent.mkdir(exist_ok=True)
        rounded = {name: float(f"{value:.6g}") for name, value in parts.items()}
        line = json.dumps({"step": self._before + step, **rounded}).encode() + b"\n"
        with self._path.open("ab+") as file:
            if file.tell():
                file.seek(-1, os.SEEK_END)
                line = line if file.read() == b"\n" else b"\n" + line  # killed while it wrote
            file.write(line)


def distilling_step(text: str) -> int | None:
    """The step that a progress of the distillation of one student speaks of; None of anything else."""
    found = _STEP.match(text)
    return int(found[1]) if found else None


def read_curve(run_dir: Path, variant: str) -> list[CurvePoint]:
    """The curve of a variant, by rising step; empty where there is none."""
    try:
        lines = read_bounded(_path(run_dir, variant), "learning curve", _MOST_BYTES).splitlines()
    except FileError:
        return []
    points = (_point(line) for line in lines[-_MOST_POINTS:])
    last = {point.step: point for point in points if point is not None}
    return [last[step] for step in sorted(last)]


def _path(run_dir: Path, variant: str) -> Path:
    return run_dir / _FOLDER / f"{variant}.jsonl"


def _point(line: bytes) -> CurvePoint | None:
    """The point of a line; None where it is none, as the last one of a process that was killed may be."""
    try:
        found = parse_json(line.decode())
    except (ValueError, RecursionError):
        return None
    if not isinstance(found, dict) or len(found) > _MOST_PARTS or type(step := found.pop("step", None)) is not int:
        return None
    parts = {printable(name, most=40): float(value) for name, value in found.items() if _is_figure(value)}
    return CurvePoint(step, parts) if 0 < step < 10**12 and parts else None


def _is_figure(value: Any) -> bool:
    return type(value) in (int, float) and abs(value) < 1e9 and math.isfinite(value)
