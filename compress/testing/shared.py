"""What all test processes of one run share: made by the first that needs it, found by the others."""

from __future__ import annotations

import os
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

T = TypeVar("T")


class Shared:
    """Values and folders by name, under one folder that several processes use at once.

    Of two processes that ask for the same name, one makes it while the other waits. What fails while it is made is
    not kept: the next that asks makes it anew.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        root.mkdir(parents=True, exist_ok=True)

    def value(self, name: str, make: Callable[[], T]) -> T:
        """What `make` returned to the first that asked for `name`; it must be picklable."""

        def write(folder: Path) -> None:
            (folder / "value").write_bytes(pickle.dumps(make()))

        found: T = pickle.loads((self.folder(name, write) / "value").read_bytes())
        return found

    def folder(self, name: str, fill: Callable[[Path], object]) -> Path:
        """The folder `name`, filled by the first that asked for it. Whoever changes what lies in it copies it first."""
        from filelock import FileLock

        folder = self.root / name
        with FileLock(str(folder) + ".lock"):
            if not folder.is_dir():
                unfinished = folder.with_name(f"{name}.{os.getpid()}")
                unfinished.mkdir()
                fill(unfinished)
                unfinished.rename(folder)
        return folder
