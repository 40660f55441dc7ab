"""A contact sheet: one frame of each of some sequences of a source, with its box drawn, as one picture."""

from __future__ import annotations

from collections.abc import Sequence as Items

import cv2
import numpy as np
from numpy.typing import NDArray

from compress.core import FileError
from compress.core.text import printable
from compress.data.index import IndexedSequences
from compress.data.mixture import MixedSource
from compress.data.recorded_source import RecordedSource
from compress.data.sequence import Sequence
from compress.data.sources import DataSource

_COLUMNS, _ROWS = 6, 8
_WIDTH, _HEIGHT, _CAPTION = 240, 180, 22
"""Pixels of a cell: of its picture, and of the line of text below it."""
_GREEN, _WHITE, _GREY = (0, 220, 0), (255, 255, 255), (70, 70, 70)
_LETTERS = 34

Image = NDArray[np.uint8]


def contact_sheet(source: DataSource) -> Image:
    """(H, W, 3) uint8 RGB: up to 48 sequences, evenly spread, each by its first frame that shows the object.

    A sequence that cannot be read is a grey cell. Frames are shrunk and never enlarged.
    """
    sequences = _sequences(source)
    count = min(len(sequences), _COLUMNS * _ROWS)
    cells = [_cell(sequences[number * len(sequences) // count]) for number in range(count)]
    columns = min(count, _COLUMNS)
    cells += [np.zeros_like(cells[0])] * (-len(cells) % columns)
    return np.vstack([np.hstack(cells[start : start + columns]) for start in range(0, len(cells), columns)])


def _sequences(source: DataSource) -> Items[Sequence]:
    """Those with something wrong among them."""
    if isinstance(source, RecordedSource):
        return IndexedSequences(source.index, source.opened)
    if isinstance(source, MixedSource):
        return [sequence for each in source.sources for sequence in _sequences(each)]
    return source.sequences()


def _cell(sequence: Sequence) -> Image:
    cell: Image = np.zeros((_HEIGHT + _CAPTION, _WIDTH, 3), dtype=np.uint8)
    try:
        picture = _picture(sequence)
    except FileError:
        cell[:_HEIGHT] = _GREY
    else:
        top, left = (_HEIGHT - picture.shape[0]) // 2, (_WIDTH - picture.shape[1]) // 2
        cell[top : top + picture.shape[0], left : left + picture.shape[1]] = picture
    name = printable(sequence.name, most=_LETTERS).encode("ascii", "replace").decode()
    cv2.putText(cell, name, (4, _HEIGHT + 15), cv2.FONT_HERSHEY_SIMPLEX, 0.36, _WHITE, 1, cv2.LINE_AA)
    return cell


def _picture(sequence: Sequence) -> Image:
    shown = np.flatnonzero(sequence.visible)
    number = int(shown[0]) if shown.size else 0
    frame = sequence.frame(number)
    height, width = frame.shape[:2]
    scale = min(_WIDTH / width, _HEIGHT / height, 1.0)
    size = max(1, int(width * scale)), max(1, int(height * scale))
    picture: Image = np.ascontiguousarray(cv2.resize(frame, size, interpolation=cv2.INTER_AREA), dtype=np.uint8)
    if shown.size:
        x, y, w, h = np.clip(sequence.boxes[number] * scale, -1e4, 1e4)
        cv2.rectangle(picture, (round(x), round(y)), (round(x + w), round(y + h)), _GREEN, 1)
    return picture
