"""Files of a kit where it is measured: its plan, its graphs, its weights, its results.

This module is packed into kits: Python 3.8 and numpy.
"""

from __future__ import annotations

import hashlib
import json
import os
from typing import Any

import numpy as np

from compress.core.errors import FileError

_PIECE = 1 << 20


def read_kit(folder: str) -> dict[str, Any]:
    """The plan in kit.json."""
    with open(os.path.join(folder, "kit.json"), encoding="utf-8") as file:
        return dict(json.load(file))


def graph_file(kit: dict[str, Any], folder: str, name: str) -> str:
    """Where a graph of the kit is.

    Raises:
        FileError: it is not the file that the kit was written with.
    """
    about = kit["graphs"][name]
    path = os.path.join(folder, about["file"])
    with open(path, "rb") as file:
        if hashlib.sha256(file.read()).hexdigest() != about["sha256"]:
            raise FileError(f"{path} is not the file that the kit was written with. Copy the kit again.")
    return path


def make_weights(path: str, size: int) -> None:
    """Write `size` bytes of random float32 numbers like those of a network before training; the same every time.

    No stretch may repeat: with one block of 64 KB over and over, `ostrack-nano` was faster than with weights of its own
    (4.8 to 4.9 ms against 5.7 to 5.9, three sessions each).
    """
    if os.path.exists(path) and os.path.getsize(path) == size:
        return
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
