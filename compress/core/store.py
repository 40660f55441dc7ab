"""Files kept between runs by kind and fingerprint, safe for several processes at once, bounded in size.

`$COMPRESS_HOME/KIND/KEY.SUFFIX` is one entry. The process that makes an entry holds its lock, so that a second one
waits and reads what the first has made; a file appears whole or not at all. Keys are fingerprints of content, never
paths as typed.
"""

from __future__ import annotations

import math
import os
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from compress.core.errors import CompressError, UsageError
from compress.core.files import work_home
from compress.core.fingerprints import fingerprint
from compress.core.leftovers import is_temporary, remove_leftovers
from compress.core.locks import is_locked, locked
from compress.core.origin import current_origin, has_origin
from compress.core.writing import write_file, writing

__all__ = ["REMADE", "KINDS", "Entry", "Store", "cache_bytes", "fingerprint"]

_T = TypeVar("_T")

REMADE = (
    "elastic",
    "exit_scores",
    "fingerprints",
    "indexes",
    "layers",
    "pools",
    "scores",
    "sequences",
    "students",
    "teachers",
)
"""Kinds whose entries are made anew when they are needed and absent; the size bound holds for these together."""

KINDS = (*REMADE, "kits", "profiles", "weights")
"""All kinds. What was measured on a device or imported by the user is freed only where its kind is named."""

_LOCKS = ".locks"
_DEFAULT_GB = 20.0


@dataclass(frozen=True)
class Entry:
    """One kept file.

    Attributes:
        kind: One of `KINDS`, such as `pools`.
        key: Its name among those of its kind, without the suffix.
        bytes: Its size.
        last_used: Seconds since the epoch.
        in_use: Whether a process reads or makes it now.
    """

    kind: str
    key: str
    path: Path
    bytes: int
    last_used: float
    in_use: bool


def cache_bytes() -> float:
    """The size that entries of the kinds in `REMADE` may have together: `$COMPRESS_CACHE_GB`, by default 20 GB.

    Raises:
        UsageError: the variable holds no number, or a negative one.
    """
    text = os.environ.get("COMPRESS_CACHE_GB", "").strip()
    try:
        found = float(text) if text else _DEFAULT_GB
    except ValueError:
        found = math.nan
    if not found >= 0:
        raise UsageError(f"COMPRESS_CACHE_GB must be a size in GB, 0 or more, but is {text!r}. Example: 20.")
    return found * 1e9


class Store:
    """Entries under one folder, `work_home()` unless another is given.

    Args:
        root: Holds a folder for each kind of entry.
        max_bytes: Size beyond which the entries that were not used for longest are removed; `cache_bytes()` by default.
    """

    def __init__(self, root: Path | None = None, *, max_bytes: float | None = None) -> None:
        self.root = work_home() if root is None else root
        self.max_bytes = cache_bytes() if max_bytes is None else max_bytes

    def path(self, kind: str, key: str, suffix: str = "") -> Path:
        """Where an entry lies, whether it is there or not. Read it within `using`."""
        if kind not in KINDS or not key or not all(c.isalnum() or c in "-_" for c in key):
            raise ValueError(f"no entry of the kind {kind!r} can be called {key!r}")
        return self.root / kind / f"{key}{suffix}"

    def get(
        self,
        kind: str,
        key: str,
        *,
        read: Callable[[Path], _T | None],
        make: Callable[[Path], None],
        suffix: str = "",
    ) -> _T:
        """What `read` finds in the entry; made first where it is absent or damaged, by one process at a time.

        Args:
            read: Reads the file; None where it is damaged, so that it is made anew.
            make: Writes the file at the path that it is given. It may ask for other entries, not for this one.

        Raises:
            CompressError: what `make` wrote cannot be read.
        """
        found = self.find(kind, key, read=read, suffix=suffix)
        return self._made(kind, key, read, make, suffix) if found is None else found

    def find(self, kind: str, key: str, *, read: Callable[[Path], _T | None], suffix: str = "") -> _T | None:
        """What `read` finds in the entry; None where it is absent or damaged. Waits while it is being made."""
        path = self.path(kind, key, suffix)
        if not path.is_file() and has_origin():
            with locked(self._lock(kind, key)):
                _fetch(path, kind, key, suffix)
        if not path.is_file() and not self._lock(kind, key).exists():
            return None
        with self.using(kind, key):
            return _read(path, read)

    def _made(
        self, kind: str, key: str, read: Callable[[Path], _T | None], make: Callable[[Path], None], suffix: str
    ) -> _T:
        path = self.path(kind, key, suffix)
        with locked(self._lock(kind, key)):
            found = _read(path, read)  # another process may have made it while this one waited
            if found is None:
                remove_leftovers(path.parent)
                found = read(path) if _fetch(path, kind, key, suffix) else None
            if found is None:
                with writing(path) as temporary:
                    make(temporary)
                found = read(path)
                if has_origin():
                    current_origin().offer(kind, key, suffix, path.read_bytes())
        if found is None:
            raise CompressError(f"{path} was written but cannot be read. Look at the disk; then try again.")
        self.prune(to_bytes=self.max_bytes, spare=path)
        return found

    @contextmanager
    def using(self, kind: str, key: str) -> Iterator[None]:
        """Keep an entry from being removed or replaced; several may use it at once. Waits while it is being made."""
        with locked(self._lock(kind, key), shared=True):
            yield

    @contextmanager
    def claimed(self, kind: str, key: str) -> Iterator[bool]:
        """Whether this process alone works on `key` until the block ends; False where another one does already.

        For work that several processes share out among themselves: it keeps nobody from any entry.
        """
        with ExitStack() as stack:
            lock = self._lock(kind, f"{key}-claim")
            try:
                stack.enter_context(locked(lock, wait=False))
            except OSError:
                mine = False
            else:
                mine = True
                stack.callback(lock.unlink, missing_ok=True)
            yield mine

    def entries(self, kinds: Iterable[str] = KINDS) -> list[Entry]:
        """All entries of these kinds, those that were used last at the end."""
        found = [self._entry(kind, path) for kind in kinds for path in _files(self.root / kind)]
        return sorted((each for each in found if each is not None), key=lambda each: (each.last_used, each.path))

    def prune(self, *, to_bytes: float = 0, kinds: Iterable[str] = REMADE, spare: Path | None = None) -> list[Entry]:
        """Remove what was not used for longest until `kinds` take at most `to_bytes`, and never what is in use.

        Args:
            spare: An entry that stays whatever its size.

        Returns:
            What was removed.
        """
        entries = self.entries(kinds)
        total, removed = sum(each.bytes for each in entries), []
        for entry in entries:
            if total <= to_bytes:
                break
            if entry.path != spare and self._remove(entry):
                removed.append(entry)
                total -= entry.bytes
        return removed

    def _remove(self, entry: Entry) -> bool:
        """Whether it is gone: not where another process uses it, or has used it since it was listed."""
        if is_temporary(entry.path.parent.name):
            return entry.path.parent in remove_leftovers(entry.path.parent.parent)
        lock = self._lock(entry.kind, entry.key)
        try:
            with locked(lock, wait=False):
                if entry.path.stat().st_atime > entry.last_used:
                    return False
                entry.path.unlink()
                lock.unlink(missing_ok=True)
        except OSError:
            return False
        with suppress(OSError):
            entry.path.parent.rmdir()  # where it was the last one
        return True

    def _entry(self, kind: str, path: Path) -> Entry | None:
        try:
            status = path.stat()
        except OSError:
            return None  # removed by another process a moment ago
        in_use = is_locked(self._lock_of(kind, path))
        return Entry(kind, _key(path), path, status.st_size, status.st_atime, in_use)

    def _lock_of(self, kind: str, path: Path) -> Path:
        """What is being written is locked by its folder, see `compress.core.leftovers`."""
        return path.parent if is_temporary(path.parent.name) else self._lock(kind, _key(path))

    def _lock(self, kind: str, key: str) -> Path:
        return self.root / kind / _LOCKS / key


def _fetch(path: Path, kind: str, key: str, suffix: str) -> bool:
    """Whether the entry is here now from the origin, whose lock this process holds here."""
    content = None if path.is_file() else current_origin().fetch(kind, key, suffix)
    if content is not None:
        write_file(path, content)
    return content is not None


def _read(path: Path, read: Callable[[Path], _T | None]) -> _T | None:
    if not path.is_file():
        return None
    with suppress(OSError):  # used now; when it was made stays
        os.utime(path, ns=(time.time_ns(), path.stat().st_mtime_ns))
    return read(path)


def _key(path: Path) -> str:
    return path.name.lstrip(".").split(".")[0]


def _files(root: Path) -> Iterator[Path]:
    for folder, inner, names in os.walk(root):
        inner[:] = [name for name in inner if name != _LOCKS]
        yield from (Path(folder) / name for name in names)
