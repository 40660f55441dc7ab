"""Tensors in one file that may be larger than the memory: written some rows at a time, then mapped; in safetensors.

The library writes tensors that are in memory whole, and keeps pages that were read from a file for as long as its
tensors live. So header and rows are written here, and files are mapped here; the library checks what is read.
"""

from __future__ import annotations

import json
import mmap
import struct
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import torch
from safetensors import safe_open
from torch import Tensor

Tensors = dict[str, Tensor]

_TYPES = {"U8": torch.uint8, "F16": torch.float16, "F32": torch.float32}
_NAMES = {dtype: name for name, dtype in _TYPES.items()}
_LENGTH = struct.Struct("<Q")
_RESIDENT = 1_000_000_000
"""Bytes of a file from which on its pages do not stay in memory once they were read."""


def write_rows(path: Path, count: int, parts: Iterable[Mapping[str, Tensor]]) -> None:
    """Write tensors of `count` rows that come some rows at a time, in order, with only one part in memory.

    Args:
        parts: Tensors (n, …) of the same names, types and shapes but for the n, which add up to `count`.

    Raises:
        ValueError: they add up to another count.
        OSError: the file cannot be written, as where the disk is full.
    """
    places: dict[str, int] = {}
    done = 0
    with path.open("wb") as file:
        for part in parts:
            places = places or _begin(file, count, part)
            rows = {name: values.contiguous() for name, values in part.items()}
            for name, values in rows.items():
                file.seek(places[name] + done * values[0].nbytes)
                file.write(values.numpy().data.cast("B"))
            done += len(next(iter(rows.values())))
    if done != count:
        raise ValueError(f"{count} rows were to be written to {path}, and {done} came")


def _begin(file: BinaryIO, count: int, part: Mapping[str, Tensor]) -> dict[str, int]:
    """Write the header, and give the place of each tensor: wide elements first, so that all are aligned."""
    header, end = {}, 0
    for name in sorted(part, key=lambda name: (-part[name].element_size(), name)):
        begin, end = end, end + count * part[name][0].nbytes
        shape = [count, *part[name].shape[1:]]
        header[name] = {"dtype": _NAMES[part[name].dtype], "shape": shape, "data_offsets": [begin, end]}
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    file.write(_LENGTH.pack(len(text)) + text)
    start = file.tell()
    file.truncate(start + end)
    return {name: start + int(each["data_offsets"][0]) for name, each in header.items()}


@dataclass(frozen=True)
class MappedFile:
    """A file of tensors that are read from the disk where they are used, and shared with other processes.

    Attributes:
        tensors: By name. They may be changed, which changes nothing in the file.
    """

    tensors: Tensors
    _pages: mmap.mmap

    @classmethod
    def open(cls, path: Path) -> MappedFile:
        """Map a file.

        Raises:
            SafetensorError: it is damaged or was cut short.
        """
        with safe_open(path, framework="pt"):  # which checks it
            pass
        with path.open("rb") as file:
            pages = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_COPY)
        length = _LENGTH.unpack(pages[: _LENGTH.size])[0]
        start = _LENGTH.size + length
        header = json.loads(pages[_LENGTH.size : start])
        header.pop("__metadata__", None)
        return cls({name: _tensor(pages, start, **each) for name, each in header.items()}, pages)

    def release(self) -> None:
        """Let go of the pages that were read, where the file is large; they are read again when they are needed.

        What was changed in the tensors is lost.
        """
        if len(self._pages) > _RESIDENT and hasattr(mmap, "MADV_DONTNEED"):
            self._pages.madvise(mmap.MADV_DONTNEED)


def _tensor(pages: mmap.mmap, start: int, dtype: str, shape: list[int], data_offsets: list[int]) -> Tensor:
    begin, end = data_offsets
    if begin == end:
        return torch.empty(shape, dtype=_TYPES[dtype])
    count = (end - begin) // _TYPES[dtype].itemsize
    return torch.frombuffer(pages, dtype=_TYPES[dtype], count=count, offset=start + begin).view(shape)
