"""Image files: reading one, and listing a folder's."""

from __future__ import annotations

import os
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from compress.core import FileError
from compress.core.opening import numeric_order

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
        found = [name for name in os.listdir(folder) if is_image(name)]
    except OSError as error:
        raise _unlisted(folder, error) from error
    return [Path(folder) / name for name in numeric_order(found)]


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
