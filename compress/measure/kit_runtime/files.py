"""Files of a kit where it is measured: its plan, its graphs, its weights, its results.

This module is packed into kits: Python 3.8 and numpy.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import stat
from typing import Any

import numpy as np

from compress.core.errors import FileError
from compress.measure.kit_runtime.checks import check_kit

_PIECE = 1 << 20
_MOST_PLAN = 4_000_000
_MOST_GRAPH = 100_000_000
"""Bytes of kit.json, and of a graph, whose weights are not in it."""


def read_kit(folder: str) -> dict[str, Any]:
    """The plan in kit.json, checked.

    Raises:
        FileError: it is missing, too large, damaged, or asks for what cannot be measured.
    """
    path = os.path.join(folder, "kit.json")
    try:
        kit = json.loads(_read(path, _MOST_PLAN).decode("utf-8"), parse_int=_short_integer)
    except (ValueError, RecursionError):
        raise FileError(f"{path} is damaged: it is no JSON. Copy the kit again.") from None
    check_kit(kit)
    return dict(kit)


def graph_file(kit: dict[str, Any], folder: str, name: str) -> str:
    """Where a graph of the kit is.

    Raises:
        FileError: it is not the file that the kit was written with.
    """
    about = kit["graphs"][name]
    path = os.path.join(folder, about["file"])
    if hashlib.sha256(_read(path, _MOST_GRAPH)).hexdigest() != about["sha256"]:
        raise FileError(f"{path} is not the file that the kit was written with. Copy the kit again.")
    return path


def _short_integer(digits: str) -> int:
    """Reading a million digits takes minutes."""
    if len(digits) > 20:
        raise ValueError("an integer is too long")
    return int(digits)


def _read(path: str, most: int) -> bytes:
    """A regular file of at most `most` bytes; a pipe or a device is not waited for."""
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    except OSError as error:
        raise FileError(f"{path} cannot be read ({error.strerror}). Copy the kit again.") from None
    with os.fdopen(handle, "rb", closefd=True) as file:
        about = os.fstat(handle)
        if not stat.S_ISREG(about.st_mode) or about.st_size > most:
            raise FileError(f"{path} is no file of a kit: it is larger, or no regular file. Copy the kit again.")
        return file.read(most)


def make_weights(path: str, size: int) -> None:
    """Write `size` bytes of random float32 numbers like those of a network before training; the same every time.

    No stretch may repeat: with one block of 64 KB over and over, `ostrack-nano` was faster than with weights of its own
    (4.8 to 4.9 ms against 5.7 to 5.9, three sessions each).
    """
    if os.path.exists(path) and os.path.getsize(path) == size:
        return
    free = shutil.disk_usage(os.path.dirname(path) or ".").free
    if free < size:
        raise FileError(f"The kit needs {size} bytes for weights, but its disk has {free} left. Free some space.")
    rng, part = np.random.default_rng(0), path + ".part"
    with open(part, "wb") as file:
        for start in range(0, size, 4 * _PIECE):
            numbers = rng.standard_normal(_PIECE, dtype=np.float32) * np.float32(0.02)
            file.write(numbers.tobytes()[: size - start])
    os.replace(part, path)


def write_kit_results(body: dict[str, Any], path: str) -> None:
    """A checksum and what it is the checksum of, whole or not at all."""
    text = json.dumps(body, separators=(",", ":"))
    digest = hashlib.sha256(text.encode()).hexdigest()
    part = path + ".part"
    with open(part, "w", encoding="utf-8") as file:
        file.write('{"sha256":"' + digest + '","body":' + text + "}\n")
    os.replace(part, path)
