"""Pairs from recorded sequences: the box of a pair is where the target is in its crop."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from compress.core import UsageError
from compress.data.recorded_pairs import recorded_pairs

_SIZES = {"template_size": 64, "search_size": 128, "template_factor": 2.0, "search_factor": 4.0}


class _Squares:
    """A white square that walks over black; invisible in every third frame."""

    name = "squares"

    def __init__(self, length: int = 12) -> None:
        self.boxes = np.array([[20.0 + 9 * i, 60.0 + 3 * i, 24.0, 24.0] for i in range(length)])
        self.visible = np.arange(length) % 3 != 1

    def __len__(self) -> int:
        return len(self.boxes)

    def frame(self, index: int) -> np.ndarray:
        frame = np.full((200, 240, 3), 20, np.uint8)
        x, y, w, h = self.boxes[index].astype(int)
        if self.visible[index]:
            frame[y : y + h, x : x + w] = 255
        return frame


def test_box_is_around_the_square() -> None:
    pairs = recorded_pairs([_Squares()], 0, 0, 64, **_SIZES)
    checked = 0
    for search, box in zip(pairs.search, pairs.boxes, strict=True):
        x, y, w, h = box[0] - box[2] / 2, box[1] - box[3] / 2, box[2], box[3]
        if min(x, y) < 0.02 or max(x + w, y + h) > 0.98:
            continue
        rows, columns = np.nonzero(search[..., 0] > 137)
        found = np.array([columns.min(), rows.min(), columns.max() + 1, rows.max() + 1]) / 128
        np.testing.assert_allclose(found, [x, y, x + w, y + h], atol=1.6 / 128)
        checked += 1
    assert checked > 30


def test_template_is_centred_and_frames_are_visible() -> None:
    pairs = recorded_pairs([_Squares()], 1, 0, 16, **_SIZES)
    # The template shows twice the target's side, so the square fills the middle half.
    assert (pairs.template[:, 18:46, 18:46] > 200).all()
    assert (pairs.template[:, :12] < 60).all()


def test_batches_are_named_by_seed_and_index() -> None:
    first, again = (recorded_pairs([_Squares()], 1, 2, 8, **_SIZES) for _ in range(2))
    other = recorded_pairs([_Squares()], 1, 3, 8, **_SIZES)
    assert np.array_equal(first.search, again.search)
    assert not np.array_equal(first.boxes, other.boxes)


def test_sequences_without_the_target_are_refused() -> None:
    hidden = _Squares()
    hidden.visible = np.zeros(12, bool)
    with pytest.raises(UsageError, match="two frames that show the target"):
        recorded_pairs([hidden], 0, 0, 4, **_SIZES)


def test_worker_reads_a_folder(tmp_path: Path) -> None:
    import cv2

    from compress.data import PairSizes, open_source
    from compress.data.worker import make_pairs

    sequence = _Squares(5)
    for i in range(5):
        cv2.imwrite(str(tmp_path / f"{i + 1:08d}.png"), sequence.frame(i))
    (tmp_path / "groundtruth.txt").write_text("\n".join(",".join(map(str, box)) for box in sequence.boxes))
    (made,) = make_pairs(open_source(f"folder:{tmp_path}"), 0, [6], workers=1, sizes=PairSizes())
    assert made.search.shape == (6, 128, 128, 3)


class _Clock:
    """A black video whose frames say their number, and which notes what is asked of it."""

    name = "clock"

    def __init__(self, length: int) -> None:
        self.boxes = np.tile([40.0, 40.0, 24.0, 24.0], (length, 1))
        self.visible = np.ones(length, dtype=bool)
        self.asked: list[int] = []

    def __len__(self) -> int:
        return len(self.boxes)

    def frame(self, index: int) -> np.ndarray:
        self.asked.append(index)
        return np.zeros((120, 120, 3), np.uint8)


def test_frames_of_a_pair_are_up_to_a_hundred_apart() -> None:
    """Distant views of a target are what a tracker has to bridge; those further apart may be other scenes."""
    clock = _Clock(600)
    recorded_pairs([clock], 0, 0, 200, **_SIZES)
    gaps = np.abs(np.diff(np.array(clock.asked).reshape(-1, 2), axis=1))
    assert gaps.min() >= 1
    assert 90 < gaps.max() <= 100
    assert 40 < gaps.mean() < 60
