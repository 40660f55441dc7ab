"""Pairs from recorded sequences: the box of a pair is where the target is in its crop."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from compress.core import UsageError
from compress.data import CachedSequence, Pairs, PairSizes, Sequence, open_source
from compress.data.pairs import PAIR_RECIPES, Jitter, PairRecipe, recorded_pairs
from compress.data.pairs.frames import FrameCache
from compress.data.worker import make_pairs, stream_pairs

_SIZES = PairSizes()


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


class _DimSquares(_Squares):
    """Half as light."""

    def frame(self, index: int) -> np.ndarray:
        return super().frame(index) // 2


def test_box_is_around_the_square() -> None:
    pairs = recorded_pairs([_Squares()], 0, 0, 64, _SIZES)
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
    pairs = recorded_pairs([_Squares()], 1, 0, 16, _SIZES)
    # The template shows twice the target's side, so the square fills the middle half.
    assert (pairs.template[:, 18:46, 18:46] > 200).all()
    assert (pairs.template[:, :12] < 60).all()


def test_batches_are_named_by_seed_and_index() -> None:
    first, again = (recorded_pairs([_Squares()], 1, 2, 8, _SIZES) for _ in range(2))
    other = recorded_pairs([_Squares()], 1, 3, 8, _SIZES)
    assert np.array_equal(first.search, again.search)
    assert not np.array_equal(first.boxes, other.boxes)


def test_sequences_without_the_target_are_refused() -> None:
    hidden = _Squares()
    hidden.visible = np.zeros(12, bool)
    with pytest.raises(UsageError, match="1000 sequences drawn has 2 frames that show the target"):
        recorded_pairs([hidden], 0, 0, 4, _SIZES)


def test_a_pair_is_named_by_its_number_in_the_batch() -> None:
    """However many follow it, so that a batch can be made by several."""
    many, few = (recorded_pairs([_Squares(), _Squares()], 4, 7, count, _SIZES) for count in (9, 5))
    rows = {row.tobytes() for row in many.boxes}
    assert len(rows) == 9
    assert {row.tobytes() for row in few.boxes} < rows


class _Opened:
    """Ten thousand sequences, opened when asked for; every third one shows nothing."""

    def __init__(self) -> None:
        self.asked: list[int] = []

    def __len__(self) -> int:
        return 10_000

    def __getitem__(self, number: int) -> _Squares:
        self.asked.append(number)
        found = _Squares()
        found.visible &= number % 3 > 0
        return found


def test_only_sequences_that_are_drawn_are_opened() -> None:
    opened = _Opened()
    pairs = recorded_pairs(opened, 0, 0, 40, _SIZES)
    assert (np.diff(pairs.scenes) >= 0).all()
    assert (pairs.scenes % 3 > 0).all()
    assert pairs.scenes.max() > 5000
    assert len(opened.asked) < 100


def test_both_crops_of_an_image_come_from_it() -> None:
    """By any recipe: an image has a target that shows, and no frames that could be too few."""
    image = CachedSequence(_Squares(1))
    for name, recipe in PAIR_RECIPES.items():
        pairs = recorded_pairs([image], 0, 0, 3, PairSizes(recipe=recipe))
        assert (pairs.template[:, 26:38, 26:38] > 150).all(), name
        assert (pairs.more_templates is None) is (recipe.templates == 1)
    hidden = _Squares(1)
    hidden.visible[:] = False
    with pytest.raises(UsageError, match="nothing to train on"):
        recorded_pairs([hidden], 0, 0, 1, _SIZES)


def test_pairs_of_which_too_little_shows_are_drawn_anew() -> None:
    held = recorded_pairs([_Squares()], 0, 0, 40, PairSizes(recipe=PairRecipe(min_in_crop=1.0))).boxes
    low, high = held[:, :2] - held[:, 2:] / 2, held[:, :2] + held[:, 2:] / 2
    assert low.min() > -0.01
    assert high.max() < 1.01
    free = recorded_pairs([_Squares()], 0, 0, 40, _SIZES).boxes
    assert (free[:, :2] + free[:, 2:] / 2).max() > 1.01
    with pytest.raises(UsageError, match="1000 of 1000 draws gave frames, but no crop"):
        recorded_pairs([_Squares()], 0, 0, 1, PairSizes(recipe=PairRecipe(max_crop=0.01)))
    with pytest.raises(UsageError, match="causal"):
        recorded_pairs([_Squares()], 0, 0, 1, PairSizes(recipe=PairRecipe("casual")))


def test_pairs_without_their_target_are_of_frames_without_it_or_of_another_sequence() -> None:
    """Around the middle, a box of an eighth of the frame; of an image around another image's target."""
    recipe = PairRecipe(negatives=0.5, templates=2, search_jitter=Jitter())
    pairs = recorded_pairs([_Squares(20)], 0, 0, 60, PairSizes(recipe=recipe))
    assert pairs.shows is not None
    assert 20 < pairs.shows.sum() < 40
    assert np.array_equal(pairs.search.max(axis=(1, 2, 3)) > 200, pairs.shows)
    np.testing.assert_allclose(pairs.boxes[~pairs.shows][:, 2] / pairs.boxes[~pairs.shows][:, 3], 240 / 200, rtol=1e-6)
    pairs = recorded_pairs([_Squares(1), _DimSquares(1)], 0, 0, 30, PairSizes(recipe=recipe))
    alike = [template.max() == search.max() for template, search in zip(pairs.template, pairs.search, strict=True)]
    assert alike == pairs.shows.tolist()
    assert 5 < sum(alike) < 25


def test_what_frames_are_kept_changes_nothing(tmp_path: Path) -> None:
    source = open_source(_written(tmp_path, _Squares()))
    sizes = PairSizes(16, 32, recipe=PairRecipe(reduced=True))
    kept, anew = (recorded_pairs(source.sequences(), 0, 0, 20, sizes, cache=FrameCache(most)) for most in (2**27, 0))
    assert _equal(kept, anew)
    assert not np.array_equal(kept.search, recorded_pairs(source.sequences(), 0, 0, 20, PairSizes(16, 32)).search)


def test_pairs_are_the_same_from_any_number_of_workers(tmp_path: Path) -> None:
    """With all that a recipe can ask for; batches, and a stream that goes on from its second one."""
    text = _written(tmp_path, _Squares(24))
    sizes = PairSizes(32, 64, recipe=PAIR_RECIPES["mixformer"])
    wanted = [open_source(text).pairs(3, index, 3, sizes) for index in range(4)]
    assert wanted[0].more_templates is not None
    assert wanted[0].more_templates.shape == (3, 1, 32, 32, 3)
    for workers in (0, 1, 3):
        stream = stream_pairs(open_source(text), 3, 3, workers=workers, sizes=sizes, start=1)
        assert all(_equal(next(stream), batch) for batch in wanted[1:])
        stream.close()
    assert _equal(next(make_pairs(open_source(text), 3, [3], workers=0, sizes=sizes)), wanted[0])


def _equal(first: Pairs, second: Pairs) -> bool:
    one, other = first.arrays(), second.arrays()
    return one.keys() == other.keys() and all(np.array_equal(one[name], other[name]) for name in one)


def _written(folder: Path, sequence: Sequence) -> str:
    """A sequence as JPEG files with boxes and labels; what opens it."""
    for i in range(len(sequence)):
        cv2.imwrite(str(folder / f"{i + 1:08d}.jpg"), sequence.frame(i))
    (folder / "groundtruth.txt").write_text("\n".join(",".join(map(str, box)) for box in sequence.boxes))
    (folder / "cover.label").write_text("\n".join(str(8 * int(shows)) for shows in sequence.visible))
    return f"folder:{folder}"
