"""Decoding image files.

One decoder serves evaluation, tracking, training and textures, with one rule for each of these:

- Size: the header's is held to `MAX_PIXELS` before anything is decoded.
- Orientation: a picture is turned as its EXIF says, as viewers show it and annotation tools see it; boxes are those of
  the turned picture.
- Depth: 8 bits as stored; deeper ones as `in_eight_bits` says. Palettes, grey and CMYK become RGB, transparency is
  left out. Values with a sign or a point are refused, as nothing says which of them is white.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from compress.core import FileError
from compress.core.opening import read_bounded
from compress.core.text import printable
from compress.geometry.image_headers import JPEG, KINDS, ImageHeader, read_header

MAX_PIXELS = 2**27
"""Of an image or a frame of a video: 134 million, more than cameras have, less than 1 GB in memory."""
_MAX_BYTES = 2**30
_ADVICE = "Replace it."
_REDUCED = {2: cv2.IMREAD_REDUCED_COLOR_2, 4: cv2.IMREAD_REDUCED_COLOR_4, 8: cv2.IMREAD_REDUCED_COLOR_8}
_RGB: int = getattr(cv2, "IMREAD_COLOR_RGB", 0)
"""OpenCV 4.11 and later."""

_COMPLAINTS = (b"Corrupt JPEG", b"Premature end of JPEG", b"Invalid ", b"Warning: unknown JFIF", b"libpng ")

# What OpenCV prints, the errors below explain better. OpenCV 5 has the function in another place.
_set_log_level: Callable[[int], object] = getattr(cv2, "setLogLevel", None) or cv2.utils.logging.setLogLevel
_set_log_level(0)


def read_image(path: Path | str) -> NDArray[np.uint8]:
    """(H, W, 3) uint8 RGB; of a deeper image, scaled by its own values, see `in_eight_bits`.

    Raises:
        FileError: the file is missing, no whole image, or too large.
    """
    image = decode_image(path)[0]
    return in_eight_bits(image, used_bits(image))


def decode_image(path: Path | str) -> tuple[NDArray[np.uint8] | NDArray[np.uint16], ImageHeader]:
    """(H, W, 3) RGB of 8 or 16 bits, turned as it is to be shown, and the header.

    Raises:
        FileError: see `read_image`.
    """
    data = read_bounded(path, "image", _MAX_BYTES, advice="Check the path.")
    image, header = _decode(path, data, _checked_header(path, data), cv2.IMREAD_COLOR | cv2.IMREAD_ANYDEPTH)
    if image.dtype not in (np.uint8, np.uint16):
        raise FileError(f"The image {path} holds values of type {image.dtype}. Convert it to 8 or 16 bits.")
    return image, header


def decode_reduced(path: Path | str, reduction: int) -> tuple[NDArray[np.uint8], ImageHeader] | None:
    """(⌈H / reduction⌉, ⌈W / reduction⌉, 3) RGB of a JPEG file, which its decoder gives sooner than the whole.

    A pixel at column i covers columns i · reduction up to (i + 1) · reduction of the whole image, and rows likewise.

    Args:
        reduction: 2, 4 or 8.

    Returns:
        The image and the header, which has the size of the whole; None for a file of another kind, or one that is to be
        turned, whose pixels would not begin at the corner.

    Raises:
        FileError: see `read_image`.
    """
    data = read_bounded(path, "image", _MAX_BYTES, advice="Check the path.")
    header = _checked_header(path, data)
    if header.orientation != 1 or not data.startswith(JPEG):
        return None
    image, header = _decode(path, data, header, _REDUCED[reduction])
    return (
        (image, header) if image.shape[:2] == (-(-header.height // reduction), -(-header.width // reduction)) else None
    )


def _decode(path: Path | str, data: bytes, header: ImageHeader, flags: int) -> tuple[np.ndarray, ImageHeader]:
    """RGB, and the header with what the library of the format complains about while it goes on."""
    # The decoder of JPEG gives either order of colours at the same cost; changing it takes a tenth of that again.
    straight = _RGB and data.startswith(JPEG)
    if straight:
        flags = flags & ~cv2.IMREAD_COLOR | _RGB
    with _complaints() as complaints:
        try:
            image = cv2.imdecode(np.frombuffer(data, dtype=np.uint8), flags)
        except cv2.error:
            image = None
    if image is None:
        raise FileError(f"The image {path} is damaged or of an unknown kind ({len(data)} bytes). {_ADVICE}")
    complaint = f"is not whole ({printable(complaints[0], most=80)})" if complaints else None
    header = replace(header, doubt=header.doubt or complaint)
    return image if straight else cv2.cvtColor(image, cv2.COLOR_BGR2RGB, dst=image), header


@contextmanager
def _complaints() -> Iterator[list[str]]:
    """Collect the lines about damage that libjpeg and libpng write to stderr; what others write there goes on."""
    lines: list[str] = []
    try:
        stderr = os.dup(2)
    except OSError:  # closed
        yield lines
        return
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    os.set_blocking(reading, False)
    os.dup2(writing, 2)
    try:
        yield lines
    finally:
        os.dup2(stderr, 2)
        with suppress(BlockingIOError):
            for line in os.read(reading, 65536).splitlines(keepends=True):
                if line.startswith(_COMPLAINTS):
                    lines.append(line.decode(errors="replace").strip())
                else:
                    os.write(2, line)
        for descriptor in (reading, writing, stderr):
            os.close(descriptor)


def check_image(path: Path | str) -> None:
    """Raises FileError where the header of an image says that it cannot be read; see `read_image`."""
    _checked_header(path, read_bounded(path, "image", _MAX_BYTES, advice="Check the path."))


def image_size(path: Path | str) -> tuple[int, int]:
    """Width and height of an image in pixels, turned as it is to be shown. Raises FileError as `check_image` does."""
    header = _checked_header(path, read_bounded(path, "image", _MAX_BYTES, advice="Check the path."))
    turned = header.orientation >= 5
    return (header.height, header.width) if turned else (header.width, header.height)


def used_bits(image: NDArray[np.uint8] | NDArray[np.uint16]) -> int:
    """Bits that the brightest value of an image needs, from 8 up."""
    return max(8, int(image.max()).bit_length())


def in_eight_bits(image: NDArray[np.uint8] | NDArray[np.uint16], bits: int) -> NDArray[np.uint8]:
    """An image as 8 bits: those of 16 bits that use `bits` of them, as cameras of 10 to 14 bits do, fill the range."""
    if image.dtype == np.uint8:
        return image  # type: ignore[return-value]
    return cv2.convertScaleAbs(image, alpha=255 / (2**bits - 1))  # type: ignore[return-value]


def _checked_header(path: Path | str, data: bytes) -> ImageHeader:
    try:
        header = read_header(data)
    except ValueError as error:
        raise FileError(
            f"The image {path} is damaged or of an unknown kind ({len(data)} bytes): it {error}. {_ADVICE}"
        ) from None
    if header.width * header.height > MAX_PIXELS:
        raise FileError(
            f"The image {path} states {header.width}x{header.height} pixels, more than {MAX_PIXELS:,}. Give smaller "
            f"images, of {KINDS}."
        )
    return header
