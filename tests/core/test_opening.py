"""What a user names is opened only where it is a regular file of a bounded size, and never waited for."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable
from pathlib import Path

import pytest

from compress.core import FileError
from compress.core.opening import opened, read_bounded, regular_file


def _socket(path: Path) -> None:
    # Bound by its short name: the address of a socket has at most 107 bytes.
    before = Path.cwd()
    os.chdir(path.parent)
    try:
        with socket.socket(socket.AF_UNIX) as bound:
            bound.bind(path.name)
    finally:
        os.chdir(before)


def _loop(path: Path) -> None:
    path.symlink_to(path)


NOT_FILES: dict[str, tuple[Callable[[Path], object], str]] = {
    "missing": (lambda path: None, "There is no part at "),
    "folder": (Path.mkdir, "it is a folder, no regular file"),
    "pipe": (os.mkfifo, "it is a pipe, no regular file"),
    "socket": (_socket, "it is a socket, no regular file"),
    "device": (lambda path: path.symlink_to("/dev/zero"), "it is a device, no regular file"),
    "link to nothing": (lambda path: path.symlink_to("nowhere"), "There is no part at "),
    "link to itself": (_loop, "cannot be read"),
}


@pytest.mark.parametrize("kind", NOT_FILES)
@pytest.mark.parametrize("by_link", [False, True])
def test_what_is_no_regular_file_is_refused_at_once_with_advice(tmp_path: Path, kind: str, by_link: bool) -> None:
    make, words = NOT_FILES[kind]
    make(tmp_path / "found")
    path = tmp_path / "found"
    if by_link:
        path = tmp_path / "link"
        path.symlink_to("found")
    for read in (regular_file, read_bounded):
        with pytest.raises(FileError, match=words) as caught:
            read(path, "part", 100, advice="Draw a new one.")
        assert str(caught.value).endswith(" Draw a new one.")


def test_a_path_with_a_null_character_is_refused_in_words() -> None:
    with pytest.raises(FileError, match="cannot be read"):
        regular_file("a\0b", "part")


def test_a_file_is_read_to_its_bound_and_refused_beyond_it(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"12345")
    (tmp_path / "link").symlink_to(path)
    assert read_bounded(path, "part", 5) == b"12345"
    assert regular_file(tmp_path / "link", "part", 5) == tmp_path / "link"
    assert regular_file(path, "part") == path
    for read in (regular_file, read_bounded):
        with pytest.raises(FileError, match=r"larger than any part \(4 bytes\)"):
            read(path, "part", 4)


def test_a_file_that_hides_its_size_is_bounded_too() -> None:
    with opened("/proc/self/status", "part", 0) as file:
        assert os.fstat(file.fileno()).st_size == 0
    with pytest.raises(FileError, match="larger than any part"):
        read_bounded("/proc/self/status", "part", 10)


def test_a_huge_file_is_refused_without_reading_it(tmp_path: Path) -> None:
    path = tmp_path / "huge"
    with path.open("wb") as file:
        file.truncate(1 << 40)
    with pytest.raises(FileError, match="larger than any part"):
        read_bounded(path, "part", 1000)
