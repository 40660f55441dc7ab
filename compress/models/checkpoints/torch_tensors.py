"""Tensors as PyTorch's files describe them: which storage, where in it, of what shape and type."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from compress.models.checkpoints.pickle_values import Made, Named, Persistent

_STORAGES = {
    **{"FloatStorage": torch.float32, "DoubleStorage": torch.float64, "HalfStorage": torch.float16},
    **{"BFloat16Storage": torch.bfloat16, "LongStorage": torch.int64, "IntStorage": torch.int32},
    **{"ShortStorage": torch.int16, "CharStorage": torch.int8, "ByteStorage": torch.uint8, "BoolStorage": torch.bool},
    **{"ComplexFloatStorage": torch.complex64, "ComplexDoubleStorage": torch.complex128},
    **{"UntypedStorage": torch.uint8, "QUInt8Storage": torch.uint8, "QInt8Storage": torch.int8},
    **{"QInt32Storage": torch.int32, "QUInt4x2Storage": torch.uint8, "QUInt2x4Storage": torch.uint8},
}
_DTYPES = {
    str(dtype): dtype
    for dtype in (
        *_STORAGES.values(),
        *(torch.uint16, torch.uint32, torch.uint64, torch.complex32),
        *(torch.float8_e4m3fn, torch.float8_e5m2, torch.float8_e4m3fnuz, torch.float8_e5m2fnuz),
    )
}
"""Element types that can be read, by their names; files store others as bits without a meaning of their own."""

_WRAPPERS = (
    "torch._utils._rebuild_parameter",
    "torch._utils._rebuild_parameter_with_state",
    "torch._utils._rebuild_device_tensor_from_cpu_tensor",
    "torch.nn.parameter.Parameter",
    "torch.nn.parameter.Buffer",
)
"""Calls whose first argument is the tensor itself."""

_WITH_ATTRIBUTES = "torch._tensor._rebuild_from_type_v2"
_PLAIN = {"torch._utils._rebuild_tensor": 4, "torch._utils._rebuild_tensor_v2": 4, "torch._utils._rebuild_tensor_v3": 7}
"""Calls that make a dense tensor, and how many arguments they have at least."""

_KINDS = {"sparse": "sparse", "qtensor": "quantised", "meta": "without values (meta)", "nested": "nested"}
_MOST_DIMS, _MOST_COUNT, _DEEPEST = 16, 1 << 48, 6


@dataclass(frozen=True)
class StorageRef:
    """Elements that lie in a row in a file, by their key there.

    Attributes:
        count: Of elements in the whole storage.
        begin: The first element that belongs to tensors.
    """

    key: str
    dtype: torch.dtype
    count: int
    begin: int = 0

    @property
    def nbytes(self) -> int:
        """Of the whole storage."""
        return self.count * self.dtype.itemsize


@dataclass(frozen=True)
class TensorRef:
    """A dense tensor within a storage; offset and strides count elements of `dtype`."""

    storage: StorageRef
    dtype: torch.dtype
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]

    @property
    def nbytes(self) -> int:
        """Of its elements, each counted."""
        return math.prod(self.shape) * self.dtype.itemsize

    def problem(self) -> str | None:
        """Why it does not lie within its storage; None where it does."""
        if 0 in self.shape:
            return None
        last = self.offset + sum((size - 1) * stride for size, stride in zip(self.shape, self.strides, strict=True))
        held = self.storage.nbytes // self.dtype.itemsize
        return f"reaches to element {last + 1} of a storage of {held}" if last >= held else None

    def of(self, values: Tensor) -> Tensor:
        """The tensor, as a view of its storage's bytes, (n) uint8."""
        usable = values[: len(values) // self.dtype.itemsize * self.dtype.itemsize].view(self.dtype)
        if 0 in self.shape:
            return torch.empty(self.shape, dtype=self.dtype)
        return usable.as_strided(self.shape, self.strides, self.offset)


@dataclass(frozen=True)
class OddTensor:
    """A tensor of a kind that holds no weights as they are, such as `quantised`."""

    kind: str


def tensor_in(value: Any) -> TensorRef | OddTensor | None:
    """The tensor that a pickled value stands for; None where it is something else.

    Raises:
        ValueError: it stands for a tensor, and makes no sense.
    """
    for _ in range(_DEEPEST):
        if not (isinstance(value, Made) and isinstance(value.arguments, tuple)):
            return None
        name, arguments = value.name, value.arguments
        if name in _WRAPPERS and arguments:
            value = arguments[0]
        elif name == _WITH_ATTRIBUTES and len(arguments) == 4:
            value = Made(arguments[0], arguments[2])
        elif name in _PLAIN and len(arguments) >= _PLAIN[name]:
            return _dense(name, arguments)
        else:
            return _odd(name)
    raise ValueError("a tensor within too many others")


def storage_in(value: Any) -> StorageRef | None:
    """The storage that a persistent identity stands for; None for one whose elements cannot be read.

    Raises:
        ValueError: it is no storage, or makes no sense.
    """
    identity = value.identity if isinstance(value, Persistent) else None
    if not (isinstance(identity, tuple) and len(identity) >= 5 and identity[0] == "storage"):
        raise ValueError("something other than tensors that lies outside of its pickled part")
    _, kind, key, _, count = identity[:5]
    if not (isinstance(kind, Named) and isinstance(key, str) and _is_count(count)):
        raise ValueError("a storage that makes no sense")
    dtype = _STORAGES.get(kind.name.rsplit(".", 1)[-1])
    view = identity[5] if len(identity) > 5 else None
    if view is not None and not (isinstance(view, tuple) and len(view) == 3 and _is_count(view[1])):
        raise ValueError("a view of a storage that makes no sense")
    return None if dtype is None else StorageRef(key, dtype, count, view[1] if view else 0)


def _dense(name: str, arguments: tuple[Any, ...]) -> TensorRef | OddTensor:
    storage, (offset, shape, strides) = storage_in(arguments[0]), arguments[1:4]
    shape = shape.arguments[0] if isinstance(shape, Made) and shape.arguments else shape  # torch.Size
    if not (_is_count(offset) and _are_counts(shape) and _are_counts(strides) and len(shape) == len(strides)):
        raise ValueError("a shape that makes no sense")
    typed = name.endswith("_v3")
    metadata = arguments[7:8] if typed else arguments[6:7]
    if storage is None or (dtype := _dtype(arguments[6]) if typed else storage.dtype) is None:
        return OddTensor("of an element type that cannot be read")
    if any(isinstance(each, dict) and each for each in metadata):
        return OddTensor("conjugated or negated when read")
    return TensorRef(storage, dtype, storage.begin + offset, tuple(shape), tuple(strides))


def _odd(name: str) -> OddTensor | None:
    if not name.startswith(("torch._utils._rebuild_", "torch._tensor._rebuild_")):
        return None
    return OddTensor(next((kind for part, kind in _KINDS.items() if part in name), "of a kind of its own"))


def _dtype(value: Any) -> torch.dtype | None:
    return _DTYPES.get(value.name) if isinstance(value, Named) else None


def _is_count(value: Any) -> bool:
    return type(value) is int and 0 <= value < _MOST_COUNT


def _are_counts(values: Any) -> bool:
    return isinstance(values, tuple | list) and len(values) <= _MOST_DIMS and all(_is_count(each) for each in values)
