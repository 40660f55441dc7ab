"""The stack machine that pickles are programs for, without the instructions that reach outside of it."""

from __future__ import annotations

from _compat_pickle import IMPORT_MAPPING
from collections.abc import Callable
from typing import Any

from compress.models.checkpoints.pickle_values import Named, Persistent, Pickled, by_name, extend, made, short, update

_MEMO = 1 << 32


class Machine:
    """The stack, the marks on it and the memo of one pickle; `found` is whole after the last step.

    Steps raise ValueError, IndexError, KeyError, TypeError or AttributeError where the pickle makes no sense.
    """

    def __init__(self) -> None:
        self.found = Pickled()
        self._stack: list[Any] = []
        self._marks: list[list[Any]] = []
        self._memo: dict[int, Any] = {}

    def step(self, opcode: str, argument: Any) -> None:
        """One instruction, by its name in `pickletools`, with its argument."""
        if opcode in _VALUES:
            self._stack.append(short(argument))
        elif opcode in _CONSTANTS:
            self._stack.append(_CONSTANTS[opcode]())
        elif opcode in _FROM_MARK:
            self._from_mark(opcode)
        elif opcode in _FROM_STACK:
            self._from_stack(opcode, self._last(_FROM_STACK[opcode]))
        else:
            self._other(opcode, argument)

    def _from_mark(self, opcode: str) -> None:
        """What takes all that is above the last mark."""
        items = self._above_mark()
        match opcode:
            case "LIST" | "FROZENSET":
                self._stack.append(items)
            case "TUPLE":
                self._stack.append(tuple(items))
            case "DICT":
                self._stack.append(by_name(items))
            case "OBJ":
                self._stack.append(made(items[0], tuple(items[1:])))
            case "APPENDS" | "ADDITEMS":
                extend(self._stack[-1], items)
            case "SETITEMS":
                update(self._stack[-1], items)

    def _from_stack(self, opcode: str, items: list[Any]) -> None:
        """What takes a certain number of values."""
        match opcode:
            case "TUPLE1" | "TUPLE2" | "TUPLE3":
                self._stack.append(tuple(items))
            case "APPEND":
                extend(self._stack[-1], items)
            case "SETITEM":
                update(self._stack[-1], items)
            case "REDUCE" | "NEWOBJ" | "NEWOBJ_EX":
                self._stack.append(made(items[0], items[1]))
            case "STACK_GLOBAL":
                self._name(items[0], items[1])
            case "BINPERSID":
                self._persistent(items[0])
            case "STOP":
                self.found.data = items[0]

    def _other(self, opcode: str, argument: Any) -> None:
        match opcode:
            case "MARK":
                self._marks.append(self._stack)
                self._stack = []
            case "POP":
                self._pop()
            case "DUP":
                self._stack.append(self._stack[-1])
            case "GET" | "BINGET" | "LONG_BINGET":
                self._stack.append(self._memo[argument])
            case "PUT" | "BINPUT" | "LONG_BINPUT":
                self._remember(argument)
            case "MEMOIZE":
                self._remember(len(self._memo))
            case "GLOBAL":
                self._name(*argument.split(" ", 1))
            case "INST":
                arguments = self._above_mark()
                self._name(*argument.split(" ", 1))
                self._stack.append(made(self._stack.pop(), tuple(arguments)))
            case "PERSID":
                self._persistent(argument)
            case "PROTO" | "FRAME":
                pass
            case _:
                raise ValueError(f"its pickled part has the opcode {opcode}, which no checkpoint needs")

    def _pop(self) -> None:
        if self._stack:
            self._stack.pop()
        else:
            self._above_mark()

    def _remember(self, place: int) -> None:
        if not 0 <= place < _MEMO:
            raise ValueError("its pickled part uses a place of the memo that does not exist")
        self._memo[place] = self._stack[-1]

    def _name(self, module: Any, name: Any) -> None:
        found = Named(".".join((IMPORT_MAPPING.get(module, module), name)))
        self.found.names.add(found.name)
        self._stack.append(found)

    def _persistent(self, identity: Any) -> None:
        found = Persistent(identity)
        self.found.persistent.append(found)
        self._stack.append(found)

    def _above_mark(self) -> list[Any]:
        items, self._stack = self._stack, self._marks.pop()
        return items

    def _last(self, count: int) -> list[Any]:
        if len(self._stack) < count:
            raise IndexError("the stack is empty")
        items = self._stack[-count:]
        del self._stack[-count:]
        return items


_VALUES = frozenset(
    {"INT", "BININT", "BININT1", "BININT2", "LONG", "LONG1", "LONG4", "FLOAT", "BINFLOAT"}
    | {"STRING", "BINSTRING", "SHORT_BINSTRING", "UNICODE", "BINUNICODE", "SHORT_BINUNICODE", "BINUNICODE8"}
    | {"BINBYTES", "SHORT_BINBYTES", "BINBYTES8", "BYTEARRAY8"}
)
"""Opcodes whose argument is a value."""

_CONSTANTS: dict[str, Callable[[], Any]] = {
    "NONE": lambda: None,
    "NEWTRUE": lambda: True,
    "NEWFALSE": lambda: False,
    "EMPTY_TUPLE": tuple,
    "EMPTY_LIST": list,
    "EMPTY_SET": list,
    "EMPTY_DICT": dict,
}
_FROM_MARK = frozenset(["LIST", "FROZENSET", "TUPLE", "DICT", "OBJ", "APPENDS", "ADDITEMS", "SETITEMS", "POP_MARK"])
_FROM_STACK = {
    **{"TUPLE1": 1, "TUPLE2": 2, "TUPLE3": 3, "APPEND": 1, "SETITEM": 2, "REDUCE": 2, "NEWOBJ": 2, "NEWOBJ_EX": 3},
    **{"STACK_GLOBAL": 2, "BINPERSID": 1, "BUILD": 1, "STOP": 1},
}
"""Opcodes that take values off the stack, and how many."""
