"""The file of an index: safetensors, mapped into memory, and held to its form before it is believed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import save_file

from compress.data.index import SequenceIndex

_FORM: dict[str, tuple[str, Any, tuple[int, ...]]] = {
    "boxes": ("F64", np.float64, (4,)),
    "visible": ("BOOL", np.bool_, ()),
    "offsets": ("I64", np.int64, ()),
    "sizes": ("I32", np.int32, (2,)),
    "faults": ("U8", np.uint8, ()),
    "digests": ("U8", np.uint8, (32,)),
    "rows": ("U8", np.uint8, ()),
    "row_offsets": ("I64", np.int64, ()),
}
"""Of each array: its type in the file and in memory, and its shape beyond the first axis."""
_HEADER_BYTES = 100_000


def write_index(index: SequenceIndex, path: Path) -> None:
    """Write an index."""
    save_file({name: np.ascontiguousarray(getattr(index, name)) for name in _FORM}, str(path))


def read_index(path: Path) -> SequenceIndex | None:
    """The index in a file, whose arrays are mapped and not read; None where it is damaged."""
    try:
        with path.open("rb") as file:
            size = int.from_bytes(file.read(8), "little")
            header = json.loads(file.read(size)) if size < _HEADER_BYTES else {}
        index = SequenceIndex(**{name: _mapped(path, header[name], name, 8 + size) for name in _FORM})
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return index if _is_whole(index) else None


def _mapped(path: Path, entry: dict[str, Any], name: str, start: int) -> NDArray[Any]:
    """One array, as safetensors lays it out: a header with places of raw, contiguous arrays behind it."""
    kind, dtype, inner = _FORM[name]
    shape, (begin, end) = tuple(entry["shape"]), entry["data_offsets"]
    if entry["dtype"] != kind or shape[1:] != inner or end - begin != np.dtype(dtype).itemsize * int(np.prod(shape)):
        raise ValueError(f"{name} is of another form")
    if begin == end:
        return np.zeros(shape, dtype)
    return np.asarray(np.memmap(path, dtype, "r", start + begin, shape))


def _is_whole(index: SequenceIndex) -> bool:
    """Whether the arrays fit each other, so that no row of them leads astray."""
    count = len(index.sizes)
    pairs = ((index.offsets, len(index.boxes)), (index.row_offsets, len(index.rows)))
    if len(index.visible) != len(index.boxes) or not len(index.faults) == len(index.digests) == count:
        return False
    return all(len(o) == count + 1 and o[0] == 0 and o[-1] == end and (np.diff(o) >= 0).all() for o, end in pairs)
