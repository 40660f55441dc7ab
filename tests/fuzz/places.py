"""What can lie where a file should: nothing, a folder, a link to an endless device, a pipe, ten gigabytes."""

from __future__ import annotations

import os
import shutil
import socket
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from random import Random


def at_place(path: Path, rng: Random) -> str:
    """Put something else in the place of a file; says what."""
    name = rng.choice(sorted(_PLACES))
    if name == "doubled":
        shutil.copy(path, path.with_name(f"{path.stem} copy{path.suffix}"))
        return name
    kept = path.read_bytes() if path.is_file() else b""
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink()
    _PLACES[name](path, kept)
    return name


def _linked(path: Path, kept: bytes) -> None:
    real = path.with_name(f"real {path.name}")
    real.write_bytes(kept)
    path.symlink_to(real.name)


def _sparse(path: Path, kept: bytes) -> None:
    with path.open("wb") as file:
        file.write(kept[:100])
        file.truncate(10 * 2**30)


def _socket(path: Path, kept: bytes) -> None:
    with closing(socket.socket(socket.AF_UNIX)) as made:
        before = Path.cwd()
        os.chdir(path.parent)  # a socket's path may have a hundred bytes
        try:
            made.bind(path.name)
        finally:
            os.chdir(before)


_PLACES: dict[str, Callable[[Path, bytes], object]] = {
    "missing": lambda path, kept: None,
    "empty": lambda path, kept: path.touch(),
    "folder": lambda path, kept: path.mkdir(),
    "pipe": lambda path, kept: os.mkfifo(path),
    "socket": _socket,
    "endless": lambda path, kept: path.symlink_to("/dev/zero"),
    "null": lambda path, kept: path.symlink_to("/dev/null"),
    "own link": lambda path, kept: path.symlink_to(path.name),
    "broken link": lambda path, kept: path.symlink_to("nowhere"),
    "link": _linked,
    "sparse": _sparse,
    "web page": lambda path, kept: path.write_text("<!DOCTYPE html><html><title>Sign in</title></html>"),
    "pointer": lambda path, kept: path.write_text(
        "version https://git-lfs.github.com/spec/v1\noid sha256:ab\nsize 9\n"
    ),
    "tail": lambda path, kept: path.write_bytes(kept + b"\0" * 4096),
    "half": lambda path, kept: path.write_bytes(kept[: len(kept) // 2]),
    "zeros": lambda path, kept: path.write_bytes(bytes(len(kept))),
    "doubled": lambda path, kept: None,
}
