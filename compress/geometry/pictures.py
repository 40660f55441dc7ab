"""A folder of images as frames: in order, of one size, and of one depth."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from compress.core import FileError, warn
from compress.core.ordering import doubtful_order
from compress.geometry.image_files import has_images, image_files
from compress.geometry.image_headers import JPEG_SUFFIXES, KINDS, ImageHeader
from compress.geometry.images import decode_image, decode_reduced, in_eight_bits, used_bits

INNER_FOLDERS = ("img", "imgs", "color", "images", "frames")
"""Where data sets keep the images of a sequence if not beside its annotations: LaSOT and OTB, TNL2K, VOT."""

_LOOKED_AT = 8
"""Images, evenly spread, whose values say what a folder's depth is."""
_DARK = 32
"""Of 255: a folder whose brightest values are below may hold fewer bits than its files have."""


class _Values(NamedTuple):
    """Of an image: its lowest and highest value, and how many of 16 bits it uses; None where it has 8."""

    low: int
    high: int
    bits: int | None


class ReducedFrame(NamedTuple):
    """A frame at 1/`reduction` of its scale.

    Attributes:
        image: (⌈height / reduction⌉, ⌈width / reduction⌉, 3) uint8 RGB; a pixel covers `reduction`² of the frame's.
        reduction: 1, 2, 4 or 8.
        width, height: Of the frame, in pixels.
    """

    image: NDArray[np.uint8]
    reduction: int
    width: int
    height: int


class Pictures:
    """Images as frames, read when asked for; what makes them less reliable than they look is a warning, given once.

    - Size: one that differs from the first's is refused, since boxes are in pixels of one frame.
    - Depth: images of 16 bits are scaled alike, by the brightest values of eight of them spread over the folder.

    Args:
        files: In order.
        name: What messages call them, such as the folder's path.
        one_size: Refuse another size; images that are no frames may have any.
    """

    def __init__(self, files: Sequence[Path], name: str, *, one_size: bool = True) -> None:
        self.files, self.name = files, name
        self._one_size, self._warned = one_size, set[str]()
        self._size: tuple[int, int] | None = None

    @classmethod
    def of_folder(cls, folder: Path | str) -> Pictures:
        """The images of a folder or of the one in it that holds them, see `picture_folder`.

        Raises:
            FileError: no such folder, or one without images.
        """
        files = image_files(picture_folder(folder))
        if not files:
            raise FileError(f"There are no images ({KINDS}) in {folder}. Give a folder of frames.")
        found = cls(files, str(folder))
        if doubt := doubtful_order(files.names):
            found._warn(f"the order of its images is doubtful: {doubt}. They are taken from {files[0].name} to "
                        f"{files[-1].name}; number them to be sure")  # fmt: skip
        return found

    def __len__(self) -> int:
        return len(self.files)

    def expect_size(self, width: int, height: int) -> None:
        """Hold frames to a size that is known already, so that the first need not be decoded for it."""
        self._size = (width, height)

    def frame(self, index: int, /) -> NDArray[np.uint8]:
        """(H, W, 3) RGB.

        Raises:
            FileError: the image is missing, damaged, too large, or of another size than the first.
        """
        image, header = decode_image(self.files[index])
        self._check_size(index, image.shape)
        self._check_header(self.files[index], header)
        if image.dtype == np.uint16:
            return in_eight_bits(image, self._bits)
        self._check_brightness(image)
        return image  # type: ignore[return-value]

    def reduced_frame(self, index: int, reduction: int, /) -> ReducedFrame:
        """A frame at 1/2, 1/4 or 1/8 of its scale, for which a JPEG file is decoded sooner; others stay as they are.

        Frames are taken from anywhere and one at a time here, so the first is not opened to compare sizes with.

        Raises:
            FileError: see `frame`.
        """
        path = self.files[index]
        found = decode_reduced(path, reduction) if path.suffix.lower() in JPEG_SUFFIXES else None
        if found is None:
            image = self.frame(index)
            return ReducedFrame(image, 1, image.shape[1], image.shape[0])
        image, header = found
        if self._size is not None:
            self._check_size(index, (header.height, header.width))
        self._check_header(path, header)
        self._check_brightness(image)
        return ReducedFrame(image, reduction, header.width, header.height)

    def _check_size(self, index: int, shape: tuple[int, ...]) -> None:
        if not self._one_size:
            return
        if self._size is None:
            first = shape if index == 0 else decode_image(self.files[0])[0].shape
            self._size = (first[1], first[0])
        width, height = self._size
        if shape[:2] != (height, width):
            raise FileError(
                f"Frame {index + 1} of {self.name} ({self.files[index].name}) is {shape[1]}x{shape[0]} but the first "
                f"is {width}x{height}. Give frames of one size."
            )

    def _check_header(self, path: Path, header: ImageHeader) -> None:
        if header.orientation != 1:
            self._warn("images are turned as their EXIF orientation says; boxes must be those of the turned images")
        if header.doubt:
            self._warn(f"{path.name} {header.doubt} and may be damaged")

    def _check_brightness(self, image: NDArray[np.uint8] | NDArray[np.uint16]) -> None:
        """Looked into once, where an image is almost black."""
        if image[::32, ::32].max() < _DARK and image[::4, ::4].max() < _DARK and "dark" not in self._warned:
            self._warned.add("dark")
            brightest = max(values.high for values in self._some())
            if brightest < _DARK:
                self._warn(f"the brightest values are {brightest} of 255. If its images have fewer bits than their "
                           "files, scale them")  # fmt: skip

    @cached_property
    def _bits(self) -> int:
        """Bits that images of 16 bits use."""
        deep = [values for values in self._some() if values.bits is not None]
        low, high, bits = min(v.low for v in deep), max(v.high for v in deep), max(v.bits or 0 for v in deep)
        if bits < 16:
            self._warn(f"images have 16 bits but values from {low} to {high}, and are read as of {bits} bits; convert "
                       "them to 8 bits for another scale")  # fmt: skip
        elif high - low < 2**12:
            self._warn(f"images have 16 bits but values from {low} to {high} only, so they show little; stretch them")
        return bits

    def _some(self) -> Iterator[_Values]:
        """Of images spread over the folder, one at a time, as they may be large."""
        for index in sorted({round(k * (len(self) - 1) / (_LOOKED_AT - 1)) for k in range(_LOOKED_AT)}):
            image = decode_image(self.files[index])[0]
            yield _Values(int(image.min()), int(image.max()), used_bits(image) if image.dtype == np.uint16 else None)

    def _warn(self, text: str) -> None:
        if text not in self._warned:
            self._warned.add(text)
            warn(f"{self.name}: {text}.")


def picture_folder(folder: Path | str) -> Path:
    """The folder itself where it holds images, else the first of `INNER_FOLDERS` in it that does, else itself.

    Raises:
        FileError: no such folder.
    """
    place = Path(folder)
    if has_images(place):
        return place
    inner = (place / name for name in INNER_FOLDERS)
    return next((found for found in inner if found.is_dir() and has_images(found)), place)
