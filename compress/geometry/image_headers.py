"""What image files say of themselves before they are decoded: kind, size, orientation, and whether they are whole.

A file of a few kilobytes can state a picture of gigabytes, so the size is read first, from the bytes of JPEG, PNG, BMP,
WebP and TIFF files themselves: decoders offer no way to ask for it alone. What is cut short or has a wrong checksum is
found here too, since decoders fill it up with grey, or print what they think of it.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass

JPEG_SUFFIXES = (".jpg", ".jpeg", ".jpe", ".jfif")
SUFFIXES = (*JPEG_SUFFIXES, ".png", ".bmp", ".webp", ".tif", ".tiff")
"""Of the names of image files."""

JPEG = b"\xff\xd8\xff"
"""How a JPEG file begins."""

KINDS = "jpg, png, bmp, webp, tif"
"""For messages."""

_ORIENTATION = 0x0112


@dataclass(frozen=True)
class ImageHeader:
    """What the head of an image file says.

    Attributes:
        width, height: Pixels as stored, before the picture is turned by `orientation`.
        orientation: EXIF's, 1 to 8; 1 is as stored.
        doubt: What may be damaged, as a clause for a message.
    """

    width: int
    height: int
    orientation: int = 1
    doubt: str | None = None


def read_header(data: bytes) -> ImageHeader:
    """The header of an image file, given whole.

    Raises:
        ValueError: with the reason, as a clause: of no known kind, cut short, or damaged.
    """
    for begins, read in _READERS:
        if begins(data):
            try:
                header = read(data)
            except (struct.error, IndexError):
                raise ValueError("is cut short") from None
            if header.width < 1 or header.height < 1:
                raise ValueError(f"states a size of {header.width}x{header.height}")
            return header
    raise ValueError(f"is of an unknown kind, not {KINDS}" if data else "is empty")


def _png(data: bytes) -> ImageHeader:
    """PNG, third edition (W3C): chunks with checksums, of which the decoder needs those with capital letters."""
    width, height = struct.unpack_from(">II", data, 16)
    orientation = 1
    for kind, body in _png_chunks(data):
        if kind == b"eXIf":
            orientation = _exif_orientation(body)
    return ImageHeader(width, height, orientation)


def _png_chunks(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    place = 8
    while True:
        length, kind = struct.unpack_from(">I4s", data, place)
        body = data[place + 8 : place + 8 + length]
        (checksum,) = struct.unpack_from(">I", data, place + 8 + length)
        if kind[:1].isupper() and zlib.crc32(kind + body) != checksum:
            raise ValueError("is damaged: a checksum is wrong")
        yield kind, body
        if kind == b"IEND":
            return
        place += 12 + length


def _jpeg(data: bytes) -> ImageHeader:
    """ITU-T T.81 annex B: segments up to the compressed data, which a marker ends."""
    place, size, orientation = 2, (0, 0), 1
    while True:
        while data[place] == 0xFF:
            place += 1
        marker, (length,) = data[place], struct.unpack_from(">H", data, place + 1)
        body = data[place + 3 : place + 1 + length]
        if marker == 0xE1 and body.startswith(b"Exif\0\0"):
            orientation = _exif_orientation(body[6:])
        elif 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):
            size = max(size, struct.unpack_from(">HH", body, 1))
        elif marker == 0xDA:
            break
        place += 1 + length
        if data[place] != 0xFF:
            raise ValueError("is damaged: a segment does not end where it should")
    if data.find(b"\xff\xd9", place) < 0:
        raise ValueError("is cut short: its end is missing")
    # Only a picture of one colour has such codes; otherwise this is what a failed disk or download left.
    zeros = "holds zeros in place of a part of its data" if data.find(bytes(512), place) >= 0 else None
    return ImageHeader(size[1], size[0], orientation, zeros)


def _bmp(data: bytes) -> ImageHeader:
    start, header = struct.unpack_from("<II", data, 10)
    if header < 16:
        width, height = struct.unpack_from("<HH", data, 18)
        bits, packed, stored = struct.unpack_from("<H", data, 24)[0], 0, 0
    else:
        width, height, _, bits, packed, stored = struct.unpack_from("<iiHHII", data, 18)
    height = abs(height)  # a negative one: from the top down
    needed = stored if packed in (1, 2) else (width * bits + 31) // 32 * 4 * height
    if len(data) < start + needed:
        raise ValueError("is cut short")
    return ImageHeader(width, height)


def _webp(data: bytes) -> ImageHeader:
    """RFC 9649."""
    (length,) = struct.unpack_from("<I", data, 4)
    if len(data) < length + 8:
        raise ValueError("is cut short")
    kind = data[12:16]
    if kind == b"VP8X":
        width, height = (int.from_bytes(data[place : place + 3], "little") + 1 for place in (24, 27))
        return ImageHeader(width, height, _webp_orientation(data))
    if kind == b"VP8L":
        (bits,) = struct.unpack_from("<I", data, 21)
        return ImageHeader((bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1)
    width, height = struct.unpack_from("<HH", data, 26)
    return ImageHeader(width & 0x3FFF, height & 0x3FFF)


def _webp_orientation(data: bytes) -> int:
    place = 12
    while place + 8 <= len(data):
        kind, length = struct.unpack_from("<4sI", data, place)
        if kind == b"EXIF":
            return _exif_orientation(data[place + 8 : place + 8 + length].removeprefix(b"Exif\0\0"))
        place += 8 + length + length % 2
    return 1


def _tiff(data: bytes) -> ImageHeader:
    """TIFF 6.0, its first picture."""
    tags = _tags(data)
    if 256 not in tags or 257 not in tags:
        raise ValueError("is damaged: it states no size")
    tile = ImageHeader(max(tags[256], tags.get(322, 0)), max(tags[257], tags.get(323, 0)), tags.get(_ORIENTATION, 1))
    return tile  # a tile is decoded whole, so where it is larger than the picture its size counts


def _tags(data: bytes) -> dict[int, int]:
    """Numbers in the first directory of a TIFF file or of EXIF, the first of each tag."""
    order = "<" if data[:2] == b"II" else ">"
    big = struct.unpack_from(order + "H", data, 2)[0] == 43  # BigTIFF
    (place,) = struct.unpack_from(order + ("Q" if big else "I"), data, 8 if big else 4)
    (count,) = struct.unpack_from(order + ("Q" if big else "H"), data, place)
    place += 8 if big else 2
    found = {}
    for entry in range(place, place + min(count, 4096) * (20 if big else 12), 20 if big else 12):
        tag, kind = struct.unpack_from(order + "HH", data, entry)
        value = {3: "H", 4: "I", 16: "Q"}.get(kind)
        if value:
            found[tag] = struct.unpack_from(order + value, data, entry + (12 if big else 8))[0]
    return found


def _exif_orientation(exif: bytes) -> int:
    """1 to 8; 1 where EXIF is damaged or does not say, as decoders take it."""
    try:
        found = _tags(exif).get(_ORIENTATION, 1) if exif[:2] in (b"II", b"MM") else 1
    except struct.error:
        return 1
    return found if 1 <= found <= 8 else 1


_READERS: tuple[tuple[Callable[[bytes], bool], Callable[[bytes], ImageHeader]], ...] = (
    (lambda data: data.startswith(JPEG), _jpeg),
    (lambda data: data[:8] == b"\x89PNG\r\n\x1a\n" and data[12:16] == b"IHDR", _png),
    (lambda data: data[:2] == b"BM", _bmp),
    (lambda data: data[:4] == b"RIFF" and data[8:12] == b"WEBP", _webp),
    (lambda data: data[:4] in (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"), _tiff),
)
