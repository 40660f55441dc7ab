"""Listing the images of a folder: their names in order, and paths that are made when they are asked for."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import overload

from compress.core import FileError
from compress.core.ordering import numeric_order
from compress.geometry.image_headers import SUFFIXES


@dataclass(frozen=True)
class NumberedNames(Sequence[str]):
    """Names that count on, `00000001.jpg`, `00000002.jpg`, …, each made when it is asked for.

    Attributes:
        digits: Of each number, with zeros before it.
        first: The number of the first name.
        suffix: What follows the numbers.
        length: How many names.
    """

    digits: int
    first: int
    suffix: str
    length: int

    @classmethod
    def of(cls, names: Sequence[str]) -> NumberedNames | None:
        """The names in their order, if they are such names; else None."""
        stem, dot, suffix = names[0].partition(".") if names else ("", "", "")
        if not (stem.isascii() and stem.isdigit()):
            return None
        found = cls(len(stem), int(stem), dot + suffix, len(names))
        return found if all(name == made for name, made in zip(names, found, strict=True)) else None

    def __len__(self) -> int:
        return self.length

    @overload
    def __getitem__(self, index: int) -> str: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[str]: ...

    def __getitem__(self, index: int | slice) -> str | Sequence[str]:
        places = range(self.length)[index]
        if isinstance(places, int):
            return f"{self.first + places:0{self.digits}d}{self.suffix}"
        if places.step == 1:
            return replace(self, first=self.first + places.start, length=len(places))
        return [self[place] for place in places]


class ImageFiles(Sequence[Path]):
    """Paths of files in one folder, each made when it is asked for: a path takes ten times the memory of its name.

    Attributes:
        names: Of the files, in order.
    """

    def __init__(self, folder: Path | str, names: Sequence[str]) -> None:
        self.folder, self.names = Path(folder), names

    def __len__(self) -> int:
        return len(self.names)

    @overload
    def __getitem__(self, index: int) -> Path: ...
    @overload
    def __getitem__(self, index: slice) -> ImageFiles: ...

    def __getitem__(self, index: int | slice) -> Path | ImageFiles:
        if isinstance(index, slice):
            return ImageFiles(self.folder, self.names[index])
        return self.folder / self.names[index]


def image_files(folder: Path | str) -> ImageFiles:
    """A folder's images in the order of the numbers in their names, `2.jpg` before `10.jpg`; see `numeric_order`.

    Raises:
        FileError: no such folder.
    """
    try:
        with os.scandir(folder) as entries:
            found = [entry.name for entry in entries if is_image(entry.name) and not entry.is_dir()]
    except OSError as error:
        raise _unlisted(folder, error) from error
    return ImageFiles(folder, numeric_order(found))


def has_images(folder: Path | str) -> bool:
    """Whether a folder holds an image; cheaper than `image_files` where it holds many.

    Raises:
        FileError: no such folder.
    """
    try:
        with os.scandir(folder) as entries:
            return any(is_image(entry.name) and not entry.is_dir() for entry in entries)
    except OSError as error:
        raise _unlisted(folder, error) from error


def is_image(name: str) -> bool:
    """Whether a file is an image by its name, and not hidden."""
    return name.lower().endswith(SUFFIXES) and not name.startswith(".")


def _unlisted(folder: Path | str, error: OSError) -> FileError:
    place = error.filename or folder  # a link in it may lead nowhere
    return FileError(f"Cannot list {place}: {error.strerror or error}. Give a folder of images.")
