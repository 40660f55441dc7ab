"""One recorded sequence: where its files lie, and its frames and boxes, which are read when first asked for."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from collections.abc import Sequence as Items
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from compress.core import FileError
from compress.geometry import ImageFiles, Pictures


@dataclass(frozen=True, slots=True)
class SequenceFiles:
    """Where one sequence lies, as `RecordedSource.listed` finds it: nothing of it has been opened.

    Attributes:
        name: As the data set calls it, unique within its source.
        images: The folder of its frames; or one file that holds them, such as a video.
        annotations: Files that say where the object is, that of the boxes first. Those that exist; they are part of
            what identifies the data, and changes of them are noticed.
        frames: Names of its frames in `images`, in order; empty for all images there in the order of their numbers.
        first, stop: The part of the frames that belongs to it, as positions from 0; `stop` is not part of it, and None
            means up to the end.
        boxes: Its boxes x, y, w, h, where the listing itself knows them; they need no opening then.
        place: Where those stand, for messages: a file and what of it.
    """

    name: str
    images: Path
    annotations: tuple[Path, ...] = ()
    frames: Items[str] = ()
    first: int = 0
    stop: int | None = None
    boxes: tuple[tuple[float, float, float, float], ...] = ()
    place: str = ""

    def line(self, number: int | None) -> str:
        """A line of the annotation file for messages, or the whole file; where the listing knows the boxes, `place`."""
        if self.place:
            return self.place
        path = self.annotations[0] if self.annotations else self.images
        return str(path) if number is None else f"{path} line {number}"


@dataclass(frozen=True)
class Annotations:
    """What annotation files say of a sequence.

    Attributes:
        boxes: (n, 4) x, y, w, h in pixels, the first pixel's corner at 0, 0; zeros where the object is absent.
        visible: (n,) whether the object shows.
        attributes: Names of what is difficult in it, for tables by attribute; empty where the data set has none.
        first_only: Only the first box is known, as in test sets that a server scores; the others are zeros.
        doubtful: Frames that labels say show the object though its box has no area; they are not visible.
        lines: Of each frame the line of the first file that its box is from, from 1; None where they are as many.
    """

    boxes: NDArray[np.float64]
    visible: NDArray[np.bool_]
    attributes: frozenset[str] = frozenset()
    first_only: bool = False
    doubtful: tuple[int, ...] = ()
    lines: range | None = None

    def line(self, frame: int) -> int:
        """The line of a frame, which counts from 0."""
        return frame + 1 if self.lines is None else self.lines.start + frame * self.lines.step

    @classmethod
    def of_boxes(
        cls,
        boxes: NDArray[np.float64],
        visible: NDArray[np.bool_] | None = None,
        *,
        attributes: frozenset[str] = frozenset(),
        lines: range | None = None,
    ) -> Annotations:
        """Of a box for each frame; the object shows where its box has an area, and `visible` says nothing else."""
        shows = np.asarray((boxes[:, 2:] > 0).all(axis=1))
        if visible is None:
            return cls(boxes, shows, attributes, lines=lines)
        return cls(boxes, shows & visible, attributes, doubtful=tuple(map(int, np.flatnonzero(visible & ~shows))))

    @classmethod
    def of_first(
        cls, box: NDArray[np.float64], frames: int, *, attributes: frozenset[str] = frozenset()
    ) -> Annotations:
        """Of a sequence of so many frames of which only the first box (4,) is known."""
        boxes, visible = np.zeros((frames, 4)), np.zeros(frames, dtype=bool)
        boxes[0], visible[0] = box, True
        return cls(boxes, visible, attributes, first_only=True)


Annotate = Callable[[SequenceFiles, int], Annotations]
"""Reads the annotations of a sequence of so many frames; raises FileError, naming file and line."""


class Annotated(ABC):
    """What a `Sequence` says of itself by its annotations, which are read when first asked for."""

    @property
    @abstractmethod
    def annotations(self) -> Annotations:
        """What its annotation files say. Raises FileError where one is missing or damaged."""

    @property
    def boxes(self) -> NDArray[np.float64]:
        """(n, 4) x, y, w, h in pixels. Raises FileError as `annotations` does."""
        return self.annotations.boxes

    @property
    def visible(self) -> NDArray[np.bool_]:
        """(n,) whether the object shows. Raises FileError as `annotations` does."""
        return self.annotations.visible

    @property
    def attributes(self) -> frozenset[str]:
        """See `Annotations`. Raises FileError as `annotations` does."""
        return self.annotations.attributes

    @property
    def first_only(self) -> bool:
        """See `Annotations`. Raises FileError as `annotations` does."""
        return self.annotations.first_only


class RecordedSequence(Annotated):
    """A `Sequence` of image files. Its frames are listed and its annotations parsed when they are first asked for.

    Args:
        files: Where it lies.
        annotate: Reads its annotations; one of a module, so that sequences can be sent to other processes.
    """

    def __init__(self, files: SequenceFiles, annotate: Annotate) -> None:
        self.name, self.files, self._annotate = files.name, files, annotate

    def __len__(self) -> int:
        return len(self.images)

    def frame(self, index: int, /) -> NDArray[np.uint8]:
        """(H, W, 3) RGB.

        Raises:
            FileError: see `Pictures.frame`.
        """
        return self.images.frame(index)

    @cached_property
    def annotations(self) -> Annotations:
        """What its annotation files say, held to the number of its frames.

        Raises:
            FileError: one is missing or damaged, or says another number of frames.
        """
        found = self._annotate(self.files, len(self))
        check_annotations(self.files, found, len(self))
        return found

    @cached_property
    def images(self) -> Pictures:
        """Its frames. Raises FileError where there are none."""
        files = self.files
        if files.frames:
            images = Pictures(ImageFiles(files.images, files.frames), str(files.images))
        else:
            images = Pictures.of_folder(files.images)
        images.files = images.files[files.first : files.stop]
        if not images.files or (files.stop is not None and len(images) < files.stop - files.first):
            raise FileError(
                f"{files.images} has no frames {files.first + 1} to {files.stop or 'the last'}, which {files.name} is "
                "made of. Complete the data."
            )
        return images


def check_annotations(files: SequenceFiles, found: Annotations, frames: int) -> None:
    """Raises FileError where annotations are of another number of frames, or do not say what is to be followed."""
    path = files.line(None)
    if len(found.boxes) == 1 < frames:
        raise FileError(
            f"{path} has one box for {frames} images, as in a test set: enough for `compress track`, but scores and "
            "training need a box for each image."
        )
    if not len(found.boxes) == len(found.visible) == frames:
        raise FileError(
            f"{path} has {len(found.boxes)} boxes but {files.images} has {frames} images. Each needs the other."
        )
    if not frames:
        raise FileError(f"{path} holds no box, and {files.images} no frame. Add them, or leave the sequence out.")
    if not (found.boxes[0, 2:] > 0).all():
        raise FileError(
            f"{files.line(found.line(0))}: the first box has no area, so there is nothing to follow. Correct it."
        )
