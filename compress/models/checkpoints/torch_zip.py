"""PyTorch's files since 2020: a zip archive of one pickle, `data.pkl`, and a member for each storage."""

from __future__ import annotations

import io
import os
import zipfile
from typing import IO, BinaryIO, cast

import torch
from torch import Tensor

from compress.core.text import printable
from compress.models.checkpoints.pickle_stream import PickleStream
from compress.models.checkpoints.pickle_values import Pickled
from compress.models.checkpoints.torch_tensors import StorageRef

SMALL = 16 << 20
"""Bytes that are small beside any checkpoint: what a file may take whatever its own size."""

_PICKLE = "data.pkl"
_PIECE = 1 << 20
_MOST_LISTED = 4 << 20
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_ORDERS = (b"", b"little", b"big")


class OtherArchive(ValueError):
    """A zip archive that is none of PyTorch's: what it is, and what to do."""


class TorchZip:
    """An archive that `torch.save` wrote. Nothing is unpacked to disk, whatever the members are called.

    Args:
        file: Open while storages are read.

    Raises:
        OtherArchive: it holds no checkpoint.
        ValueError: it is damaged, or would take far more memory than its own size.
    """

    def __init__(self, file: BinaryIO) -> None:
        self._archive = _opened(file)
        self._members = _members(self._archive, os.fstat(file.fileno()).st_size)
        self._root = _root(self._members)
        order = self._read("byteorder") if f"{self._root}byteorder" in self._members else b""
        if order not in _ORDERS:
            raise ValueError("its byte order is neither little nor big")
        self._swapped = order == b"big"

    def pickled(self) -> Pickled:
        """What its pickle holds; raises ValueError as `PickleStream.next` does."""
        with self._archive.open(self._members[f"{self._root}{_PICKLE}"]) as file:
            return PickleStream(io.BufferedReader(cast(io.RawIOBase, file))).next()

    def storage(self, storage: StorageRef) -> Tensor:
        """The bytes of a storage, (n) uint8, little-endian. Raises ValueError where it is absent or of another size."""
        member = self._members.get(f"{self._root}data/{storage.key}")
        if member is None or member.file_size != storage.nbytes:
            raise ValueError(f"storage {storage.key} is missing or not of {storage.nbytes} bytes")
        values = torch.empty(storage.nbytes, dtype=torch.uint8)
        rest = values.numpy().data
        with self._archive.open(member) as file:
            while rest:
                piece = file.read(min(_PIECE, len(rest)))
                if not piece:
                    raise ValueError(f"storage {storage.key} is cut short")
                rest[: len(piece)] = piece
                rest = rest[len(piece) :]
            file.read(1)  # the end, where the checksum is compared
        return _swapped(values, storage.dtype) if self._swapped else values

    def _read(self, name: str) -> bytes:
        with self._archive.open(self._members[f"{self._root}{name}"]) as file:
            return file.read(_PIECE)


class _Listed:
    """A file for `zipfile`, which reads the list of members at once, however long it says to be.

    Attributes:
        most: Bytes that are read at once; None for any number.
    """

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.most: int | None = _MOST_LISTED
        self.seek, self.tell, self.seekable = file.seek, file.tell, file.seekable

    def read(self, count: int = -1) -> bytes:
        """Raises ValueError where more than `most` are asked for."""
        if self.most is not None and count > self.most:
            raise ValueError(f"its list of members has {count} bytes")
        return self._file.read(_MOST_LISTED if count < 0 else count)


def _opened(file: BinaryIO) -> zipfile.ZipFile:
    listed = _Listed(file)
    try:
        archive = zipfile.ZipFile(cast(IO[bytes], listed))
    except zipfile.BadZipFile as error:
        raise ValueError(f"its end, where a zip archive lists its members, is missing or damaged ({error})") from error
    listed.most = None
    return archive


def _members(archive: zipfile.ZipFile, size: int) -> dict[str, zipfile.ZipInfo]:
    members = {member.filename: member for member in archive.infolist()}
    if len(members) < len(archive.infolist()):
        raise ValueError("two of its members have one name")
    total = sum(member.file_size for member in members.values())
    if total > 2 * size + SMALL:
        raise ValueError(f"its members claim {total} bytes, and the file has {size}")
    for member in members.values():
        if member.compress_type not in _METHODS:
            raise ValueError(f"it is packed by a method (number {member.compress_type}) that torch.save does not use")
        if not member.CRC:  # torch.serialization.set_crc32_options(False) writes none
            member.CRC = None  # type: ignore[assignment]
    return members


def _root(members: dict[str, zipfile.ZipInfo]) -> str:
    """What the names of all members begin with, `archive/` for instance."""
    roots = [name.removesuffix(_PICKLE) for name in members if name.rsplit("/", 1)[-1] == _PICKLE]
    if len(roots) == 1 and f"{roots[0]}constants.pkl" not in members:
        return roots[0]
    if roots:
        raise OtherArchive("a TorchScript archive, or of several files. Give the checkpoint of its weights")
    names = ", ".join(printable(name, most=60) for name in sorted(members)[:3])
    raise OtherArchive(f"a zip archive of other things ({names}). Unpack it, and give the checkpoint that is in it")


def _swapped(values: Tensor, dtype: torch.dtype) -> Tensor:
    width = dtype.itemsize // (2 if dtype.is_complex else 1)
    return values.view(-1, width).flip(1).reshape(-1)
