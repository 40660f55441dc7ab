"""Pickles read from a file as plain data: nothing that a pickle names is looked up, made or called.

The standard library's `pickletools` takes a pickle apart, and `Machine` puts a stand-in wherever it would call
something. PyTorch's own restricted unpickler calls constructors with whatever arguments a file gives and hashes
whatever a file nests, so that a few hundred bytes can have it take any memory, or overflow the interpreter's stack.
"""

from __future__ import annotations

import pickletools
import warnings
from typing import BinaryIO

from compress.models.checkpoints.pickle_machine import Machine
from compress.models.checkpoints.pickle_values import Pickled

_MOST_OPCODES = 600_000
_MOST_BYTES = 64 << 20
_MOST_AT_ONCE = 32 << 20
_LONGEST_LINE = 1 << 16


class PickleStream:
    """Pickles in a row in a file, together of bounded length and number of opcodes.

    Args:
        file: Read from where it is.
    """

    def __init__(self, file: BinaryIO) -> None:
        self._file, self._bytes, self._opcodes = file, _MOST_BYTES, _MOST_OPCODES

    def next(self) -> Pickled:
        """The pickle where the file is now; the file is behind it then.

        Raises:
            ValueError: it is damaged, cut short, or larger than what describes weights.
        """
        machine = Machine()
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # of escapes in texts
                for opcode, argument, _ in pickletools.genops(self):  # type: ignore[arg-type]
                    self._opcodes -= 1
                    if self._opcodes < 0:
                        raise ValueError(f"its pickled part has more than {_MOST_OPCODES} opcodes")
                    machine.step(opcode.name, argument)
        except (IndexError, KeyError, TypeError, AttributeError, OverflowError) as error:
            raise ValueError("its pickled part makes no sense") from error
        except ValueError as error:
            if "set_int_max_str_digits" in str(error):  # Python's own words advise to lift its bound
                raise ValueError("its pickled part holds an integer of thousands of digits") from error
            raise
        return machine.found

    def read(self, count: int) -> bytes:
        """Of the file, for `pickletools`. Raises ValueError beyond the bound."""
        if count > min(self._bytes, _MOST_AT_ONCE):
            raise ValueError(f"its pickled part claims more than {_MOST_BYTES >> 20} MiB")
        self._bytes -= count
        return self._file.read(count)

    def readline(self) -> bytes:
        """Of the file, for `pickletools`. A line that is too long is cut, which `pickletools` refuses."""
        line = self._file.readline(min(self._bytes, _LONGEST_LINE))
        self._bytes -= len(line)
        return line
