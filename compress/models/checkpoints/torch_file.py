"""A file of PyTorch's in either format, and tensors of it with every bound checked before they are read."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import BinaryIO, Protocol

from torch import Tensor

from compress.core import FileError
from compress.models.checkpoints.matching import listed
from compress.models.checkpoints.pickle_values import Pickled
from compress.models.checkpoints.torch_legacy import TorchLegacy
from compress.models.checkpoints.torch_tensors import OddTensor, StorageRef, TensorRef
from compress.models.checkpoints.torch_zip import SMALL, TorchZip

STARTS = (b"PK", b"\x80\x02", b"\x80\x03", b"\x80\x04", b"\x80\x05")
"""How PyTorch's files begin: as a zip archive, or with a pickle of the protocols 2 to 5."""


class TorchFile(Protocol):
    """Either format. Both methods raise ValueError, and what `zipfile` raises, where the file is damaged."""

    def pickled(self) -> Pickled:
        """The one pickle that describes what the file holds."""
        ...

    def storage(self, storage: StorageRef) -> Tensor:
        """The bytes of a storage, (n) uint8, little-endian."""
        ...


def open_torch(file: BinaryIO) -> TorchZip | TorchLegacy:
    """The file as its format has it. Raises ValueError, and what `zipfile` raises, where it is damaged."""
    zipped = file.read(2) == b"PK"
    file.seek(0)
    return TorchZip(file) if zipped else TorchLegacy(file)


def read_tensors(
    opened: TorchFile, tensors: Mapping[str, TensorRef | OddTensor], path: Path, size: int
) -> dict[str, Tensor]:
    """Tensors by name; those of one storage share memory.

    Args:
        path: For messages.
        size: Bytes of the file. Tensors that claim far more than that are refused.

    Raises:
        FileError: some are of a kind that holds no weights, or do not lie within what the file holds.
        ValueError: see `TorchFile`.
    """
    dense = {name: tensor for name, tensor in tensors.items() if isinstance(tensor, TensorRef)}
    _check_kinds({name: tensor.kind for name, tensor in tensors.items() if isinstance(tensor, OddTensor)}, path)
    for name, tensor in dense.items():
        if problem := tensor.problem():
            raise ValueError(f"{name} {problem}")
    storages = {_whole(tensor.storage) for tensor in dense.values()}
    _check_size("tensors", (tensor.nbytes for tensor in dense.values()), size)
    _check_size("storages", (storage.nbytes for storage in storages), size)
    values = {storage: opened.storage(storage) for storage in storages}
    return {name: tensor.of(values[_whole(tensor.storage)]) for name, tensor in dense.items()}


def _whole(storage: StorageRef) -> StorageRef:
    return replace(storage, begin=0)


def _check_kinds(odd: Mapping[str, str], path: Path) -> None:
    for kind in sorted(set(odd.values())):
        names = listed(kind, (name for name, each in odd.items() if each == kind))
        raise FileError(
            f"{path} holds tensors that are no weights as they are: {names}. Wanted are dense tensors of floating "
            "point: give the checkpoint that it was made from."
        )


def _check_size(what: str, sizes: Iterable[int], size: int) -> None:
    total = sum(sizes)
    if total > 2 * size + SMALL:
        raise ValueError(f"its {what} claim {total} bytes, and the file has {size}")
