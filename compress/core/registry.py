"""`Registry`: named entries, open to plugins; each name is registered once."""

from __future__ import annotations

import sys
from collections.abc import Callable, ItemsView, Iterator
from typing import Any, ClassVar, Generic, TypeVar, overload
from weakref import WeakSet

from compress.core.errors import UsageError, unknown_name

_T = TypeVar("_T")
_V = TypeVar("_V")
_NOT_GIVEN = object()


class Registry(Generic[_T]):
    """Names and what is registered under them, in the order of registration.

    Three forms of `register`; `kind` is what messages call an entry:

        TRACKERS = Registry[Callable[[], TrackerSpec]]("tracker")

        @TRACKERS.register                  # under the function's own name, with `-` for `_`: `hit-base`
        def hit_base() -> TrackerSpec: ...

        @READERS.register("got10k")         # a class or function under a name
        class Got10k: ...

        KNOBS.register("depth", Depth())    # any value under a name
    """

    _all: ClassVar[WeakSet[Registry[Any]]] = WeakSet()

    def __init__(self, kind: str) -> None:
        self._kind = kind
        self._entries: dict[str, _T] = {}
        self._modules: dict[str, str] = {}
        self._all.add(self)

    @classmethod
    def outside_modules(cls) -> list[str]:
        """Modules outside of this package that have entries in any registry: another process has to import them too."""
        found = {module for each in cls._all for name, module in each._modules.items() if name in each}
        return sorted(
            name for name in found if not name.startswith("compress.") or name.startswith("compress.testing.")
        )

    @overload
    def register(self, name: str, value: _T) -> _T: ...
    @overload
    def register(self, name: str) -> Callable[[_V], _V]: ...
    @overload
    def register(self, name: Callable[..., _V]) -> Callable[..., _V]: ...

    def register(self, name: Any, value: Any = _NOT_GIVEN) -> Any:
        """Enter a value under a name; see the class for the three forms.

        Raises:
            UsageError: the name is taken (the message shows which entry has it), or is no usable name.
        """
        if value is not _NOT_GIVEN:
            return self._enter(name, value)
        if isinstance(name, str):
            return lambda entry: self._enter(name, entry)
        return self._enter(name.__name__.replace("_", "-"), name)

    def remove(self, name: str) -> None:
        """Take an entry out again, as tests of a plugin do.

        Raises:
            UsageError: nothing is registered under the name.
        """
        self._entries.pop(name, self[name])

    def names(self) -> list[str]:
        """All names, sorted."""
        return sorted(self._entries)

    def items(self) -> ItemsView[str, _T]:
        """Names with their entries, in the order of registration."""
        return self._entries.items()

    def __getitem__(self, name: str) -> _T:
        """Raises `UsageError` with close matches where `name` is unknown."""
        if name not in self._entries:
            raise unknown_name(self._kind, name, self._entries)
        return self._entries[name]

    def __contains__(self, name: object) -> bool:
        return name in self._entries

    def __iter__(self) -> Iterator[str]:
        return iter(self._entries)

    def __len__(self) -> int:
        return len(self._entries)

    def _enter(self, name: str, value: _T) -> _T:
        if not isinstance(name, str) or not name or name != name.strip():
            raise UsageError(f"The name of a {self._kind} must be text without space around it but is {name!r}.")
        if name in self._entries:
            raise UsageError(
                f"The {self._kind} {name!r} is already registered, as {_origin(self._entries[name])}; "
                f"{_origin(value)} needs another name."
            )
        self._entries[name] = value
        self._modules[name] = _registering_module()
        return value


def _registering_module() -> str:
    """The module that calls `Registry.register`."""
    frame = sys._getframe(1)
    while frame.f_globals["__name__"] == __name__ and frame.f_back is not None:
        frame = frame.f_back
    return frame.f_globals["__name__"]


def _origin(value: object) -> str:
    """Where an entry comes from, for messages."""
    named: Any = value if hasattr(value, "__qualname__") else type(value)
    return f"{named.__module__}.{named.__qualname__}"
