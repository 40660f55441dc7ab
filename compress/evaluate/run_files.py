"""A sequence that was followed, as a file: all that scores and files of results are made of, to the last digit."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from compress.archive import paths_from
from compress.core import AnySpec, FileError, path_rows
from compress.core.plain_files import read_plain
from compress.core.plain_values import Bounds
from compress.evaluate.following import Run

_WHAT = "record of a sequence"
_BYTES, _BYTES_PER_FRAME = 100_000, 400
"""A record may have so many, and so many more per frame."""
_ITEMS = 100_000
_ADVICE = "Remove it, and the sequence is followed again."


def run_text(run: Run) -> str:
    """A run as JSON."""
    return json.dumps({
        "boxes": run.boxes.tolist(),
        "seconds": run.times.tolist(),
        "size": list(run.size),
        "batch": run.batch,
        "workers": run.workers,
        "renewals": run.renewals,
        "paths": path_rows(run.paths),
    })  # fmt: skip


def read_run(path: Path, frames: int, spec: AnySpec) -> Run:
    """What `run_text` made, of a sequence of so many frames.

    Raises:
        FileError: it cannot be read, or is none of such a sequence.
    """
    most, bounds = _BYTES + _BYTES_PER_FRAME * frames, Bounds(items=_ITEMS + 16 * frames)
    data = read_plain(path, _WHAT, most=most, advice=_ADVICE, syntax="json", bounds=bounds)
    try:
        run = Run(_array(data, "boxes", (frames, 4)), _array(data, "seconds", (frames,)))
        if (run.boxes[:, 2:] < 0).any() or (run.times < 0).any():
            raise ValueError("a width, height or time is negative")
        run.size = (_count(data["size"][0]), _count(data["size"][1]))
        run.batch, run.workers, run.renewals = (_count(data[name]) for name in ("batch", "workers", "renewals"))
        run.paths = Counter(paths_from(spec, data["paths"]) or {})
    except (KeyError, IndexError, TypeError, ValueError, FileError) as error:
        raise FileError(f"{path} is not a {_WHAT} of {frames} frames of this tracker: {error}. {_ADVICE}") from error
    return run


def _array(data: Any, name: str, shape: tuple[int, ...]) -> NDArray[np.float64]:
    found = np.array(data[name], dtype=np.float64)
    if found.shape != shape or not np.isfinite(found).all():
        raise ValueError(f"{name} must be {shape} finite numbers but are {found.shape}")
    return found


def _count(value: Any) -> int:
    if type(value) is not int or value < 0:
        raise ValueError(f"a count must be a whole number from 0 on but is {str(value)[:40]}")
    return value
