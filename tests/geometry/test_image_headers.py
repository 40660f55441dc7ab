"""What a file states is known before it is decoded: size, orientation, and whether it is whole."""

from __future__ import annotations

import struct
import zlib

import cv2
import numpy as np
import pytest

from compress.geometry.image_headers import read_header

NOISE = np.random.default_rng(0).integers(0, 256, (20, 36, 3), dtype=np.uint8)
KINDS = [".jpg", ".png", ".bmp", ".webp", ".tif"]


def encoded(suffix: str, image: np.ndarray = NOISE, *settings: int) -> bytes:
    done, data = cv2.imencode(suffix, image, settings)
    assert done
    return bytes(data)


def exif(orientation: int, order: str = "<") -> bytes:
    mark = b"II*\0" if order == "<" else b"MM\0*"
    return mark + struct.pack(order + "IHHHIHHI", 8, 1, 0x0112, 3, 1, orientation, 0, 0)


def jpeg_with_exif(image: np.ndarray, orientation: int, order: str = "<") -> bytes:
    data, body = encoded(".jpg", image), b"Exif\0\0" + exif(orientation, order)
    return data[:2] + b"\xff\xe1" + struct.pack(">H", len(body) + 2) + body + data[2:]


def png_chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def png_of_size(width: int, height: int) -> bytes:
    """A whole file that states any size."""
    head = png_chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + head + png_chunk(b"IDAT", zlib.compress(bytes(1000))) + png_chunk(b"IEND", b"")


@pytest.mark.parametrize("suffix", KINDS)
def test_size(suffix: str) -> None:
    header = read_header(encoded(suffix))
    assert (header.width, header.height, header.orientation, header.doubt) == (36, 20, 1, None)


def test_size_of_other_encodings() -> None:
    lossless, progressive = (cv2.IMWRITE_WEBP_QUALITY, 101), (cv2.IMWRITE_JPEG_PROGRESSIVE, 1)
    for data in (encoded(".webp", NOISE, *lossless), encoded(".jpg", NOISE, *progressive), encoded(".bmp", NOISE[:1])):
        assert read_header(data).width == 36


@pytest.mark.parametrize("order", "<>")
def test_orientation(order: str) -> None:
    assert read_header(jpeg_with_exif(NOISE, 6, order)).orientation == 6
    png = encoded(".png")
    turned = png[:33] + png_chunk(b"eXIf", exif(8, order)) + png[33:]
    assert read_header(turned).orientation == 8


def test_damaged_exif_says_nothing() -> None:
    assert read_header(jpeg_with_exif(NOISE, 77)).orientation == 1
    data = jpeg_with_exif(NOISE, 6)
    assert read_header(data.replace(b"II*\0\x08\0\0\0", b"II*\0\xff\xff\xff\xff")).orientation == 1


@pytest.mark.parametrize("suffix", [".jpg", ".png", ".bmp", ".webp"])
@pytest.mark.parametrize("kept", [0.02, 0.3, 0.9])
def test_what_is_cut_short(suffix: str, kept: float) -> None:
    data = encoded(suffix, np.vstack([NOISE] * 8))
    with pytest.raises(ValueError, match="short|unknown kind"):
        read_header(data[: int(kept * len(data))])


def test_an_end_in_a_thumbnail_is_not_the_end() -> None:
    body = b"Exif\0\0" + exif(1) + encoded(".jpg", NOISE[:8, :8])
    data = encoded(".jpg")
    whole = data[:2] + b"\xff\xe1" + struct.pack(">H", len(body) + 2) + body + data[2:]
    assert read_header(whole).width == 36
    with pytest.raises(ValueError, match="its end is missing"):
        read_header(whole[: len(whole) - len(data) // 4])


def test_a_flipped_bit_of_a_png() -> None:
    data = bytearray(encoded(".png"))
    data[len(data) // 2] ^= 1
    with pytest.raises(ValueError, match="checksum"):
        read_header(bytes(data))


def test_zeros_in_place_of_data_are_doubted() -> None:
    data = encoded(".jpg", np.vstack([NOISE] * 8))
    middle = len(data) // 2
    found = read_header(data[:middle] + bytes(len(data) - middle - 2) + b"\xff\xd9")
    assert found.doubt is not None
    assert "zeros" in found.doubt


@pytest.mark.parametrize("data", [b"", b"<html>404</html>", b"GIF89a" + bytes(100), b"\xff\xd8\xff", b"BM", b"II*\0"])
def test_what_is_no_image(data: bytes) -> None:
    with pytest.raises(ValueError, match="empty|unknown kind|short|no size"):
        read_header(data)


def test_a_picture_of_no_size() -> None:
    with pytest.raises(ValueError, match="size of 0x5"):
        read_header(png_of_size(0, 5))


def test_any_bytes_are_read_or_refused() -> None:
    rng = np.random.default_rng(0)
    for suffix in KINDS * 40:
        data = bytearray(encoded(suffix))
        for at in rng.integers(0, min(200, len(data)), 4):
            data[at] = rng.integers(256)
        try:
            header = read_header(bytes(data))
        except ValueError:
            continue
        assert header.width > 0
        assert header.height > 0
