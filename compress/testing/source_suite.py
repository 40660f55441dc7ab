"""What every `DataSource` keeps, as checks that the tests of a reader can run: `CHECKS`, each given what a user writes.

    @pytest.mark.parametrize("check", source_suite.CHECKS)
    def test_conformance(check, tmp_path):
        check(f"mine:{write_some_sequences(tmp_path)}")

The data must hold a sequence with two frames that show the target.
"""

from __future__ import annotations

import os
import pickle
import tempfile
from collections.abc import Callable
from typing import get_args

import numpy as np

from compress.data import DataReference, PairSizes, Sequence, Split, open_source
from compress.data.worker import make_pairs

Check = Callable[[str], None]

SIZES = PairSizes(32, 64)


def is_found_again_from_anywhere(text: str) -> None:
    """Its name and its reference open the same content from another working directory."""
    source = open_source(text)
    reference = pickle.loads(pickle.dumps(DataReference.of(source)))
    before = os.getcwd()
    with tempfile.TemporaryDirectory() as elsewhere:
        os.chdir(elsewhere)
        try:
            assert open_source(source.name).fingerprint == source.fingerprint
            assert reference.open().name == source.name
        finally:
            os.chdir(before)


def sequences_are_whole(text: str) -> None:
    """Every split has sequences, with a box and a visibility for every frame, and short ones no longer than others."""
    source = open_source(text)
    found: dict[str, list[Sequence]] = {split: source.sequences(split) for split in get_args(Split)}
    for sequences in found.values():
        assert sequences
        for sequence in sequences[:4]:
            _check_sequence(sequence)
    assert max(map(len, found["short"])) <= max(map(len, found["test"]))


def kept_frames_are_the_same(text: str) -> None:
    """Frames that may stay in memory are those that are read or drawn anew."""
    source = open_source(text)
    plain, kept = source.sequences("validation")[0], source.sequences("validation", keep=True)[0]
    assert (plain.name, len(plain)) == (kept.name, len(kept))
    for index in (0, len(plain) - 1, 0):
        assert np.array_equal(plain.frame(index), kept.frame(index))


def pairs_follow_seed_and_index(text: str) -> None:
    """The same numbers give the same batch, of the sizes asked for; others give another."""
    source = open_source(text)
    first, again = source.pairs(1, 2, 5, SIZES), open_source(text).pairs(1, 2, 5, SIZES)
    assert all(np.array_equal(value, vars(again)[name]) for name, value in vars(first).items())
    assert (first.template.shape, first.search.shape) == ((5, 32, 32, 3), (5, 64, 64, 3))
    assert first.template.dtype == first.search.dtype == np.uint8
    assert first.boxes.shape == (5, 4)
    assert (first.boxes[:, 2:] > 0).all()
    assert (np.diff(first.scenes) >= 0).all(), "pairs of one scene lie together"
    for seed, index in ((1, 3), (2, 2)):
        assert not np.array_equal(source.pairs(seed, index, 5, SIZES).boxes, first.boxes)


def another_process_makes_its_pairs(text: str) -> None:
    """Workers find the reader and make what this process would."""
    source = open_source(text)
    wanted = [source.pairs(3, index, 4, SIZES) for index in range(2)]
    found = list(make_pairs(source, 3, [4, 4], workers=2, sizes=SIZES))
    assert all(np.array_equal(x.search, y.search) for x, y in zip(found, wanted, strict=True))


def _check_sequence(sequence: Sequence) -> None:
    frame = sequence.frame(0)
    assert frame.dtype == np.uint8
    assert (frame.ndim, frame.shape[2]) == (3, 3)
    assert sequence.boxes.shape == (len(sequence), 4)
    assert np.isfinite(sequence.boxes).all()
    assert sequence.visible.shape == (len(sequence),)
    assert sequence.visible.dtype == bool
    assert (sequence.boxes[0, 2:] > 0).all(), "the first frame says what is to be followed"


CHECKS: tuple[Check, ...] = (
    is_found_again_from_anywhere,
    sequences_are_whole,
    kept_frames_are_the_same,
    pairs_follow_seed_and_index,
    another_process_makes_its_pairs,
)
