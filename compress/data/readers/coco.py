"""`coco:PATH[:SPLIT]`: COCO (Lin et al., ECCV 2014), images with boxes, for training.

    PATH/annotations/instances_train2017.json
    PATH/train2017/000000000009.jpg …           or PATH/images/train2017, as PyTracking has it

- Splits: `train2017` (the default), `val2017`, `train2014` and `val2014`.
- Each object is a sequence of one frame, so that both crops of a pair come from one image and show one object.
- Left out, as PyTracking, STARK, OSTrack and MixFormer do: crowds (`iscrowd`), and objects that are not more than 50
  pixels wide and high.
- Boxes are x, y, w, h from 0; they have fractions of pixels. No attributes.

The file of train2017 has 450 MB. It is read one annotation at a time and segmentations are dropped.
"""

from __future__ import annotations

from collections.abc import Iterable
from collections.abc import Sequence as Items
from pathlib import Path
from typing import Any, NamedTuple, overload

import numpy as np

from compress.core import FileError
from compress.core.text import printable
from compress.data.annotation_text import FARTHEST
from compress.data.json_arrays import array_elements
from compress.data.listing import is_inner
from compress.data.recorded_sequence import Annotations, RecordedSequence, SequenceFiles
from compress.data.recorded_source import RecordedSource
from compress.data.sequence import Sequence
from compress.data.sources import READERS

_SMALLEST = 50
"""Pixels that an object must be wider and higher than."""
Box = tuple[float, float, float, float]


class _Object(NamedTuple):
    image: int
    number: int
    box: Box


@READERS.register("coco")
class CocoSource(RecordedSource):
    """Objects of COCO; see the module."""

    form = "coco:PATH[:SPLIT]"
    summary = "objects in images of COCO, for training; split train2017 (by default), val2017, train2014 or val2014"
    splits = ("train2017", "val2017", "train2014", "val2014")
    layout = "PATH/annotations/instances_train2017.json and PATH/train2017/000000000009.jpg"

    def listed(self) -> Items[SequenceFiles]:
        """Objects in the order of the names of their images, then of their numbers.

        Raises:
            FileError: the annotation file is missing or damaged, or names an image that leads out of its folder.
        """
        names, objects = _read(self._annotations)
        unknown = next((each for each in objects if each.image not in names), None)
        if unknown:
            raise FileError(
                f"{self._annotations}: annotation {unknown.number} is of image {unknown.image}, which is not listed."
            )
        objects.sort(key=lambda each: (names[each.image], each.number))
        return _Listed(self._annotations, self._images, names, objects)

    def opened(self, files: SequenceFiles) -> Sequence:
        """One of them."""
        return RecordedSequence(files, listed_boxes)

    def watched(self) -> list[Path]:
        """The one annotation file and the folder of images, so that nothing is read to see that nothing has changed."""
        return [self._annotations, self._images]

    @property
    def _annotations(self) -> Path:
        return self.path / "annotations" / f"instances_{self.split}.json"

    @property
    def _images(self) -> Path:
        inner = self.path / "images" / self.split
        return inner if inner.is_dir() else self.path / self.split


class _Listed(Items[SequenceFiles]):
    """Hundreds of thousands of objects, each of them made when it is asked for."""

    def __init__(self, path: Path, folder: Path, names: dict[int, str], objects: list[_Object]) -> None:
        self._path, self._folder, self._names, self._objects = path, folder, names, objects

    def __len__(self) -> int:
        return len(self._objects)

    @overload
    def __getitem__(self, number: int) -> SequenceFiles: ...
    @overload
    def __getitem__(self, number: slice) -> list[SequenceFiles]: ...

    def __getitem__(self, number: int | slice) -> SequenceFiles | list[SequenceFiles]:
        if isinstance(number, slice):
            return [self._files(each) for each in self._objects[number]]
        return self._files(self._objects[number])

    def _files(self, found: _Object) -> SequenceFiles:
        name = self._names[found.image]
        about = f"{Path(name).stem}-{found.number}", f"{self._path} annotation {found.number}"
        return SequenceFiles(about[0], self._folder, frames=(name,), boxes=(found.box,), place=about[1])


def listed_boxes(files: SequenceFiles, frames: int) -> Annotations:
    """The boxes that the listing knows."""
    return Annotations.of_boxes(np.array(files.boxes, dtype=np.float64).reshape(-1, 4))


def _read(path: Path) -> tuple[dict[int, str], list[_Object]]:
    """Names of images by their numbers, and the objects to train on."""
    names, objects = dict[int, str](), list[_Object]()
    for key, element in array_elements(path, ("images", "annotations"), "annotation file of COCO"):
        if key == "images":
            names.update(_image(path, element))
        else:
            objects.extend(_objects(path, element))
    return names, objects


def _image(path: Path, element: Any) -> Iterable[tuple[int, str]]:
    match element:
        case {"id": int(number), "file_name": str(name)} if is_inner(name):
            yield number, name
        case _:
            raise FileError(
                f"{path}: an image must have a number `id` and a `file_name` in its folder but is "
                f"{printable(repr(element), most=80)}."
            )


def _objects(path: Path, element: Any) -> Iterable[_Object]:
    """The object of an annotation, where it is not left out."""
    match element:
        case {"id": int(number), "image_id": int(image), "bbox": [x, y, w, h]} if _finite(x, y, w, h):
            if not element.get("iscrowd") and w > _SMALLEST and h > _SMALLEST:
                yield _Object(image, number, (float(x), float(y), float(w), float(h)))
        case _:
            found = element if isinstance(element, dict) else {"": element}
            raise FileError(
                f"{path}: an annotation must have numbers `id` and `image_id` and a `bbox` x, y, w, h but has "
                f"{printable(repr({key: value for key, value in found.items() if key != 'segmentation'}), most=120)}."
            )


def _finite(*values: Any) -> bool:
    return all(type(value) in (int, float) and abs(value) <= FARTHEST for value in values)
