"""PyTorch's files before 2020: five pickles in a row, then the storages, each behind its number of elements."""

from __future__ import annotations

import os
import struct
from typing import BinaryIO

import torch
from torch import Tensor

from compress.models.checkpoints.pickle_stream import PickleStream
from compress.models.checkpoints.pickle_values import Pickled
from compress.models.checkpoints.torch_tensors import StorageRef, storage_in

_MAGIC, _PROTOCOL = 0x1950A86A20F9469CFC6C, 1001


class TorchLegacy:
    """A file of pickles, of `torch.save` or another program.

    Args:
        file: Open while storages are read.

    Attributes:
        known: Whether `torch.save` wrote it. Of another program's file, only the first pickle is read.

    Raises:
        ValueError: it is damaged or cut short.
    """

    def __init__(self, file: BinaryIO) -> None:
        self._file, self._size = file, os.fstat(file.fileno()).st_size
        stream = PickleStream(file)
        self._pickled = stream.next()
        self.known = self._pickled.data == _MAGIC
        if self.known:
            protocol, system, self._pickled, keys = (stream.next() for _ in range(4))
            self._pickled.names |= protocol.names | system.names | keys.names
            if protocol.data != _PROTOCOL or not isinstance(keys.data, list):
                raise ValueError("its pickled part makes no sense")
            self._places = self._walk(keys.data)

    def pickled(self) -> Pickled:
        """What its main pickle holds."""
        return self._pickled

    def storage(self, storage: StorageRef) -> Tensor:
        """The bytes of a storage, (n) uint8, little-endian on every machine. Raises ValueError where it is absent."""
        place = self._places.get(storage.key)
        if place is None or place + storage.nbytes > self._size:
            raise ValueError(f"storage {storage.key} is missing or not of {storage.nbytes} bytes")
        values = torch.empty(storage.nbytes, dtype=torch.uint8)
        self._file.seek(place)
        if self._file.readinto(values.numpy().data) < storage.nbytes:  # type: ignore[attr-defined]
            raise ValueError(f"storage {storage.key} is cut short")
        return values

    def _walk(self, keys: list[object]) -> dict[str, int]:
        """Where each storage begins, by its key; all of them lie within the file."""
        refs = {ref.key: ref for ref in map(storage_in, self._pickled.persistent) if ref is not None}
        places, place = dict[str, int](), self._file.tell()
        for key in keys:
            ref = refs.get(key) if isinstance(key, str) else None
            if ref is None:
                raise ValueError("a storage whose elements cannot be read")
            self._file.seek(place)
            head = self._file.read(8)
            if len(head) < 8 or struct.unpack("<q", head)[0] != ref.count:
                raise ValueError(f"storage {ref.key} is missing or not of {ref.count} elements")
            places[ref.key] = place + 8
            place += 8 + ref.nbytes
        if place > self._size:
            raise ValueError(f"it has {self._size} bytes of at least {place}")
        return places
