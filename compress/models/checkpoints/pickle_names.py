"""What the names in a pickle say of the file: objects of a training, or an attempt to run something."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable

_PYTHON = (
    *(f"{module}\\.[\\w.]+" for module in ("collections", "datetime", "pathlib", "enum", "typing", "uuid", "zoneinfo")),
    *("argparse.Namespace", "types.SimpleNamespace", "decimal.Decimal", "fractions.Fraction", "time.struct_time"),
    *("functools.partial", "random.Random", "logging.(getLogger|Logger|RootLogger)", "re._compile"),
    *("copyreg._reconstructor", "copyreg.__newobj(_ex)?__", "_codecs.encode", "weakref.ref"),
    "builtins.(set|frozenset|list|dict|tuple|bytes|bytearray|str|int|float|bool|complex|slice|range|object|type)",
    "builtins.(long|xrange|unicode|basestring)",
    "builtins.(NotImplemented|Ellipsis|print|len|max|min|sum|abs|[A-Z]\\w+(Error|Exception|Warning))",
)
_TORCH = (
    "torch._utils._rebuild_\\w+",
    "torch._tensor._rebuild_from_type_v2",
    "torch.serialization._get_layout",
    "torch.(nn|optim|_C._nn)\\.[\\w.]+",
    "torch.(device|\\w*int\\d+\\w*|b?float\\d+\\w*|half|double|long|bool|complex\\d+|per_\\w+|strided|sparse_\\w+)",
    "torch.([\\w.]+\\.)?[A-Z]\\w*",
)
_NUMPY = (
    "numpy\\.(_?core\\.)?multiarray\\.(scalar|_reconstruct)",
    "numpy\\._?core\\.numeric\\._frombuffer",
    "numpy\\.(ndarray|dtype|bool_?|[iuf]nt\\d+|u?int\\d+|float\\d+|complex\\d+|str_|bytes_)",
    "numpy\\.random\\.[\\w.]+",
    "numpy\\.(dtypes|ma)\\.[\\w.]+",
)
_HARMLESS = re.compile("|".join((*_PYTHON, *_TORCH, *_NUMPY)))
"""Data of Python, PyTorch and NumPy that trainings keep beside weights, and classes of layers and optimisers."""

_KNOWN = {*sys.stdlib_module_names, "torch", "numpy", "nt", "posix"}


def running(names: Iterable[str]) -> list[str]:
    """Those names that a pickle has no reason to hold unless something is to run when it is opened, sorted.

    Of Python, PyTorch and NumPy, only what is known as data is harmless. Nothing that a pickle names is ever called
    here, so that objects of other code, such as the settings of a training, are no danger, whatever they are.
    """
    return sorted(name for name in names if name.split(".")[0] in _KNOWN and not _HARMLESS.fullmatch(name))
