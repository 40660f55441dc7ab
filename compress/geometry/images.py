"""Image files: reading one, and listing a folder's."""

from __future__ import annotations

import os
import re
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from compress.core import FileError

_SUFFIXES = (".jpg", ".jpeg", ".png", ".bmp")


def read_image(path: Path | str) -> NDArray[np.uint8]:
    """(H, W, 3) uint8 RGB.

    Raises:
        FileError: the file is missing, or is no whole image.
    """
    try:
        data = Path(path).read_bytes()
    except OSError as error:
        raise FileError(f"Cannot read the image {path}: {error.strerror or error}. Check the path.") from error
    image = None
    # A cut JPEG decodes to a half-grey picture; its missing end marker gives it away.
    if data and not (data.startswith(b"\xff\xd8") and data.rfind(b"\xff\xd9") < 0):
        try:
            image = cv2.imdecode(np.frombuffer(data, dtype=np.uint8), cv2.IMREAD_COLOR)
        except cv2.error:
            image = None
    if image is None:
        raise FileError(f"The image {path} is damaged or of an unknown kind ({len(data)} bytes). Replace it.")
    return cv2.cvtColor(image, cv2.COLOR_BGR2RGB)  # type: ignore[return-value]


def image_files(folder: Path | str) -> list[Path]:
    """A folder's images (jpg, png, bmp) in the order of the numbers in their names, `2.jpg` before `10.jpg`.

    Raises:
        FileError: no such folder.
    """
    try:
        found = [p for p in Path(folder).iterdir() if is_image(p.name)]
    except OSError as error:
        raise _unlisted(folder, error) from error
    return sorted(found, key=lambda p: _natural(p.name))


def has_images(folder: Path | str) -> bool:
    """Whether a folder holds an image; cheaper than `image_files` where it holds many.

    Raises:
        FileError: no such folder.
    """
    try:
        with os.scandir(folder) as entries:
            return any(is_image(entry.name) for entry in entries)
    except OSError as error:
        raise _unlisted(folder, error) from error


def is_image(name: str) -> bool:
    """Whether a file is an image by its name: jpg, png or bmp, and not hidden."""
    return name.lower().endswith(_SUFFIXES) and not name.startswith(".")


def _unlisted(folder: Path | str, error: OSError) -> FileError:
    return FileError(f"Cannot list the folder {folder}: {error.strerror or error}. Give a folder of images.")


def _natural(name: str) -> tuple[list[str | int], str]:
    # Every second piece is a number, so numbers are compared with numbers and text with text.
    return [int(piece) if i % 2 else piece for i, piece in enumerate(re.split(r"(\d+)", name))], name
