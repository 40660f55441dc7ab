"""Training pairs from recorded sequences, such as the user's own."""

from __future__ import annotations

import math
from collections.abc import Sequence as Items

import numpy as np
from numpy.typing import NDArray

from compress.core import UsageError
from compress.data.pairs import Pairs, jittered
from compress.data.sequence import Sequence
from compress.geometry import crop_target

_GAP = 100
"""Most frames between the two crops of a pair."""

_TRIES = 50
"""Draws of a search crop that overlaps the frame; after these it is cut around the true box."""


def recorded_pairs(
    sequences: Items[Sequence],
    seed: int,
    index: int,
    count: int,
    *,
    template_size: int,
    search_size: int,
    template_factor: float,
    search_factor: float,
) -> Pairs:
    """Batch number `index` of the stream `seed`: a visible frame, and another at most 100 frames from it.

    The search crop is jittered as `generated.sample_pairs` does it; the target may reach beyond its edge.

    Raises:
        UsageError: no sequence has two visible frames.
    """
    usable = [s for s in sequences if np.count_nonzero(s.visible & (s.boxes[:, 2:] > 0).all(1)) >= 2]
    if not usable:
        raise UsageError("No sequence to train on has two frames that show the target. Give other --train-data.")
    rng = np.random.Generator(np.random.PCG64(np.random.SeedSequence([seed, index])))
    templates, searches, boxes, numbers = [], [], [], []
    for _ in range(count):
        number = int(rng.integers(len(usable)))
        first, second = _two_frames(rng, usable[number])
        sequence = usable[number]
        crop = crop_target(sequence.frame(first), sequence.boxes[first], factor=template_factor, size=template_size)
        templates.append(crop.image)
        image, box = _search(rng, sequence, second, search_factor, search_size)
        searches.append(image)
        boxes.append(box)
        numbers.append(number)
    order = np.argsort(numbers, kind="stable")
    return Pairs(
        np.stack(templates)[order], np.stack(searches)[order], np.stack(boxes)[order], np.array(numbers)[order]
    )


def _two_frames(rng: np.random.Generator, sequence: Sequence) -> tuple[int, int]:
    shown = np.flatnonzero(sequence.visible & (sequence.boxes[:, 2:] > 0).all(1))
    first = int(rng.choice(shown))
    near = shown[(np.abs(shown - first) <= _GAP) & (shown != first)]
    return first, int(rng.choice(near if near.size else shown))


def _search(
    rng: np.random.Generator, sequence: Sequence, index: int, factor: float, size: int
) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
    frame, box = sequence.frame(index), sequence.boxes[index]
    for _ in range(_TRIES):
        around = jittered(rng, box)
        if _overlaps_frame(around, factor, frame.shape[1], frame.shape[0]):
            break
    else:
        around = box
    crop = crop_target(frame, around, factor=factor, size=size)
    # As the loop maps back: shares of the crop from its centre, which is the jittered box's.
    centre = (box[:2] + box[2:] / 2 - around[:2] - around[2:] / 2) * crop.resize_factor / size + 0.5
    return crop.image, np.concatenate([centre, box[2:] * crop.resize_factor / size]).astype(np.float32)


def _overlaps_frame(box: NDArray[np.float64], factor: float, width: int, height: int) -> bool:
    half = math.ceil(math.sqrt(box[2] * box[3]) * factor) / 2
    x, y = box[0] + box[2] / 2, box[1] + box[3] / 2
    return bool(x + half > 1 and y + half > 1 and x - half < width - 1 and y - half < height - 1)
