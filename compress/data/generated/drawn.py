"""Generated sequences that are drawn once and kept in the store, for all processes and searches."""

from __future__ import annotations

import json
import math
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file

from compress.core import Store, fingerprint
from compress.core.phases import phase
from compress.data.generated.raster import Image
from compress.data.generated.sequences import GeneratedSequence

_KIND, _SUFFIX = "sequences", ".safetensors"


class _Kept(NamedTuple):
    """A drawn sequence. Its frames stay in the file, and the system's cache of it is what all processes share.

    Attributes:
        begin: Where in the file the first frame begins.
    """

    path: Path
    begin: int
    boxes: NDArray[np.float64]
    visible: NDArray[np.bool_]


class DrawnSequence:
    """A generated sequence, drawn into the store when something of it is first needed.

    Args:
        version: Of what is drawn from a seed; what another version has drawn is not taken.
    """

    def __init__(self, sequence: GeneratedSequence, version: int, store: Store | None = None) -> None:
        self.name = sequence.name
        self._sequence, self._store = sequence, store
        self._key = fingerprint(["sequence", version, *sequence.recipe])

    def __len__(self) -> int:
        return len(self._sequence)

    def frame(self, index: int) -> Image:
        """(height, width, 3) RGB."""
        if not 0 <= index < len(self):
            raise IndexError(f"{self.name} has frames 0 to {len(self) - 1}, not {index}")
        try:
            return self._frame(index)
        except (FileNotFoundError, EOFError):  # removed from the store meanwhile, so it is drawn again
            del self._kept
            return self._frame(index)

    @property
    def boxes(self) -> NDArray[np.float64]:
        """(n, 4) x, y, w, h of the visible pixels; zeros where none is."""
        return self._kept.boxes

    @property
    def visible(self) -> NDArray[np.bool_]:
        """(n,) whether enough of the target shows to be tracked."""
        return self._kept.visible

    def _frame(self, index: int) -> Image:
        shape = (self._sequence.height, self._sequence.width, 3)
        size = math.prod(shape)
        with self._kept.path.open("rb", buffering=0) as file:
            file.seek(self._kept.begin + index * size)
            data = file.read(size)
        if len(data) < size:
            raise EOFError(f"{self._kept.path} was cut short")
        return np.frombuffer(data, np.uint8).reshape(shape)

    @cached_property
    @phase("drawing or reading frames")
    def _kept(self) -> _Kept:
        store = self._store or Store()
        return store.get(_KIND, self._key, read=self._read, make=self._draw, suffix=_SUFFIX)

    def _draw(self, path: Path) -> None:
        sequence = self._sequence
        frames = np.stack([sequence.frame(i) for i in range(len(sequence))])
        save_file({"frames": frames, "boxes": sequence.boxes, "visible": sequence.visible}, path)

    def _read(self, path: Path) -> _Kept | None:
        """None where the file is damaged or holds something else."""
        try:
            file: Any = safe_open(path, framework="np")
            frames = file.get_slice("frames")
            kept = _Kept(path, _begin(path), file.get_tensor("boxes"), file.get_tensor("visible"))
            frame, shape = frames[0], tuple(frames.get_shape())
        except (SafetensorError, OSError, AttributeError, TypeError, ValueError):  # types that numpy lacks, too
            return None
        count, width, height = len(self), self._sequence.width, self._sequence.height
        good = shape == (count, height, width, 3) and frame.dtype == np.uint8
        good &= kept.visible.shape == (count,) and kept.visible.dtype == bool
        return kept if good and _inside(kept.boxes, count, width, height) else None


def _begin(path: Path) -> int:
    """Where the frames begin in a file that safetensors has opened: behind its header, see the format."""
    with path.open("rb") as file:
        length = int.from_bytes(file.read(8), "little")
        header = json.loads(file.read(length))
    return 8 + length + int(header["frames"]["data_offsets"][0])


def _inside(boxes: NDArray[Any], count: int, width: int, height: int) -> bool:
    """Whether these are boxes within the frames."""
    if boxes.shape != (count, 4) or boxes.dtype != np.float64 or not bool((boxes >= 0).all()):
        return False
    return bool((boxes[:, :2] + boxes[:, 2:] <= (width, height)).all())
