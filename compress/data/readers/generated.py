"""`generated`: sequences and pairs drawn from seeds."""

from __future__ import annotations

import os
from functools import cached_property
from pathlib import Path

from compress.core import fingerprint
from compress.data.file_fingerprints import files_fingerprint
from compress.data.generated import DrawnSequence, generated_sequences, load_images, sample_pairs
from compress.data.generated.raster import Image
from compress.data.generated.textures import texture_files
from compress.data.pairs import Pairs, PairSizes
from compress.data.sequence import Sequence
from compress.data.sources import READERS, DataSource, Split

_VERSION = 1
"""Counts up with what is drawn from a seed."""

_SHORT = 30
"""Frames of a sequence that the lower rungs of a search see."""

_SEARCH, _SEARCH_FRAMES = 12, 20
"""Sequences of each difficulty that a search scores at full fidelity, and their frames.

At 28 sequences of 60 frames the standard error of a paired difference of two students was 0.031 (median over pairs), at
84 of 20, as many frames, 0.017; it falls with the root of their number.
"""


@READERS.register("generated")
class GeneratedSource:
    """Generated data, see `compress.data.generated`.

    Validation sequences share no scene with test sequences, so that what is chosen on them leaves the test split alone.
    Images are texture of pairs only, so that scores compare.

    Args:
        location: Folder of images to serve as texture of pairs; empty for generated texture alone.
    """

    form = "generated"
    summary = "drawn from seeds, with exact boxes"

    def __init__(self, location: str = "") -> None:
        self._folder = Path(os.path.realpath(location)) if location else None

    @property
    def name(self) -> str:
        """`generated`, with the absolute path of the images where there are some."""
        return "generated" if self._folder is None else f"generated:{self._folder}"

    @cached_property
    def fingerprint(self) -> str:
        """Of what is drawn, and of the images."""
        images = None if self._folder is None else files_fingerprint(texture_files(self._folder))
        return fingerprint(["generated", _VERSION, images])

    def sequences(self, split: Split = "test", *, keep: bool = False) -> list[Sequence]:
        """See `DataSource`. Drawing a frame takes longer than tracking in it, so `keep` keeps all in the store."""
        if split == "short":
            found = generated_sequences(split="validation", per_difficulty=1, length=_SHORT)
        elif split == "search":
            found = generated_sequences(split=split, per_difficulty=_SEARCH, length=_SEARCH_FRAMES)
        else:
            found = generated_sequences(split=split)
        return [DrawnSequence(each, _VERSION) for each in found] if keep else list(found)

    def pairs(self, seed: int, index: int, count: int, sizes: PairSizes) -> Pairs:
        """See `DataSource` and `sample_pairs`."""
        return sample_pairs(seed, index, count, images=self._images, **vars(sizes))

    def with_images(self, folder: str) -> DataSource:
        """See `DataSource`."""
        return GeneratedSource(folder)

    @cached_property
    def _images(self) -> list[Image]:
        return [] if self._folder is None else load_images(self._folder)
