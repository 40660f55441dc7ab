"""What processes that this one starts as workers are given: the same imports, and where their warnings go."""

from __future__ import annotations

import os
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from compress.core.errors import CompressWarning

THREAD_VARIABLES = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMEXPR_NUM_THREADS")
"""What numerical libraries read, when they are loaded, of how many threads they may start."""


def import_paths() -> str:
    """A `PYTHONPATH` by which a worker imports what this process can: this package, and what was added from outside."""
    root = str(Path(__file__).resolve().parents[2])
    return os.pathsep.join(dict.fromkeys([root, *map(os.path.abspath, filter(None, sys.path))]))


def worker_environment(threads: int | None = None) -> dict[str, str]:
    """The environment of a worker.

    Args:
        threads: Of numerical libraries; None for what this process was given.
    """
    limits = {} if threads is None else dict.fromkeys(THREAD_VARIABLES, str(threads))
    return {**os.environ, **limits, "PYTHONPATH": import_paths()}


@contextmanager
def noted_warnings() -> Iterator[list[str]]:
    """Collect the texts of this package's warnings instead of showing them, each once, for whoever started a worker."""
    texts: list[str] = []
    with warnings.catch_warnings():
        warnings.simplefilter("always", CompressWarning)
        show_other = warnings.showwarning

        def note(message: Warning | str, category: type[Warning], *place: Any) -> None:
            if not issubclass(category, CompressWarning):
                show_other(message, category, *place)
            elif str(message) not in texts:
                texts.append(str(message))

        warnings.showwarning = note  # type: ignore[assignment]
        yield texts
