"""Crops of training pairs: around which box, whether they can be learned from, and where the target is in them."""

from __future__ import annotations

import math
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from compress.data.pairs.augmentation import Image, label_middle
from compress.data.pairs.recipe import Jitter, LabelCentre, PairRecipe
from compress.geometry import ReducedFrame, crop_target, crop_window

Box = NDArray[np.float64]

_MOST_PADDED = 4096
"""Pixels of a crop's side: 50 MB."""
_MOST_SIDE = 2**15 - 2
"""Pixels of a frame's side that `cv2.warpAffine` takes."""


class Cut(NamedTuple):
    """A crop to be cut: around which box (4,) x, y, w, h in pixels of the frame, with which factor, to which size."""

    around: Box
    factor: float
    size: int

    @property
    def side(self) -> int:
        """Of the crop, in pixels of the frame."""
        return crop_window(self.around, self.factor)[2]


def jittered(rng: np.random.Generator, box: Box, jitter: Jitter = PairRecipe.search_jitter) -> Box:
    """A box (4,) x, y, w, h moved and scaled, as a tracker's own last box is off the target.

    Sides are multiplied by exp(scale·N(0, 1)); then the centre moves along each axis by up to half of `jitter.centre`
    times the square root of the new area (PyTracking, STARK, OSTrack).
    """
    out = box.copy()
    normal = rng.standard_normal(2)
    if jitter.cut is not None:
        normal = np.clip(normal, -jitter.cut, jitter.cut)
    out[2:] *= np.exp(jitter.scale * normal)
    reach = jitter.centre * math.sqrt(out[2] * out[3])
    out[:2] = box[:2] + box[2:] / 2 + reach * (rng.random(2) - 0.5) - out[2:] / 2
    return out


def is_usable(box: Box, factor: float) -> bool:
    """Whether a crop can be cut around a box: it is finite and has an area."""
    return bool(np.isfinite(box).all() and (box[2:] > 0).all() and math.sqrt(box[2] * box[3]) * factor < 2**31)


def shows_enough(frame: ReducedFrame, box: Box, cut: Cut, recipe: PairRecipe) -> bool:
    """Whether a crop of a frame with the target at `box` can be learned from, see `PairRecipe`."""
    left, top, side = crop_window(cut.around, cut.factor)
    if recipe.max_crop is not None and side > recipe.max_crop * max(frame.width, frame.height):
        return False
    if _share(box, 0, 0, frame.width, frame.height) < recipe.min_in_frame:
        return False
    ratio = cut.size / side
    return _meets(-left * ratio, (frame.width - left) * ratio, cut.size, recipe.mask_stride) and _meets(
        -top * ratio, (frame.height - top) * ratio, cut.size, recipe.mask_stride
    )


def holds_target(box: Box, cut: Cut, recipe: PairRecipe) -> bool:
    """Whether enough of the target's box lies in a crop."""
    left, top, side = crop_window(cut.around, cut.factor)
    return _share(box, left, top, side, side) >= recipe.min_in_crop


def cut_out(frame: ReducedFrame, cut: Cut) -> Image:
    """(size, size, 3) uint8 RGB: `crop_target` of a whole frame, as trackers see it, and the same of a reduced one.

    Of reduced frames, and where a crop is so large that to pad it would take much memory, it is sampled in one step.
    """
    left, top, side = crop_window(cut.around, cut.factor)
    if (frame.reduction == 1 and side <= _MOST_PADDED) or max(frame.image.shape) > _MOST_SIDE:
        return crop_target(frame.image, cut.around / frame.reduction, factor=cut.factor, size=cut.size).image
    # The middle of the crop's pixel u lies (u + 0.5)·side/size after `left` in the frame, and a reduced pixel covers
    # exactly `reduction` of the frame's.
    step = side / cut.size / frame.reduction
    matrix = np.array(
        [[step, 0, left / frame.reduction + step / 2 - 0.5], [0, step, top / frame.reduction + step / 2 - 0.5]]
    )
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    return cv2.warpAffine(frame.image, matrix, (cut.size, cut.size), flags=flags)  # type: ignore[return-value]


def box_in_crop(box: Box, cut: Cut, centre: LabelCentre) -> NDArray[np.float32]:
    """(4,) cx, cy, w, h of a box in a crop, as a share of its side.

    From the crop's centre, which is that of the box it is cut around, though the crop's corner lies on a whole pixel:
    so the tracking loop maps back, and so the published trainings make their labels.
    """
    off = box[:2] + box[2:] / 2 - cut.around[:2] - cut.around[2:] / 2
    shares = np.concatenate([off, box[2:]]) / cut.side
    shares[:2] += label_middle(cut.size, centre)
    return shares.astype(np.float32)


def _share(box: Box, left: float, top: float, width: float, height: float) -> float:
    """Of a box's area, inside of a rectangle."""
    x, y, w, h = box.tolist()
    across, down = min(x + w, left + width) - max(x, left), min(y + h, top + height) - max(y, top)
    return max(across, 0) * max(down, 0) / (w * h)


def _meets(low: float, high: float, size: int, stride: int) -> bool:
    """Whether one of the pixels 0, `stride`, … of `size` lies from `low` up to `high`."""
    first = math.ceil(max(low, 0) / stride) * stride
    return first < min(high, size)
