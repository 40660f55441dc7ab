"""Several sources as one: `got10k:/data/got10k@1,lasot:/data/lasot@0.5`, each with a weight that pairs are drawn by."""

from __future__ import annotations

import math
import os
import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass, fields
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from compress.core import UsageError, fingerprint, unknown_name
from compress.data.pairs import Pairs, PairSizes
from compress.data.sequence import Sequence as Video
from compress.data.sources import DataSource, Split

_WEIGHT = re.compile(r"(.*)@([0-9]+(?:\.[0-9]*)?|\.[0-9]+)", re.DOTALL)
_OTHER = re.compile(r",([A-Za-z][\w-]*):")
_STREAM = 2
"""Parts the stream that chooses sources from those that draw pairs."""


class Part(NamedTuple):
    """A source of a mixture as text, and its weight."""

    source: str
    weight: float


def mixture_parts(text: str, prefixes: Collection[str]) -> list[Part]:
    """The sources that a user names in one text, separated by commas, each with a weight, by default 1.

    A comma separates where the prefix of a reader follows it, and what follows the last `@` of a part is its weight
    where that is a number; so paths may hold both. A single source is taken as it is written where there is something
    of that name, as its weight says nothing.

    Args:
        prefixes: Of all readers.

    Raises:
        UsageError: a weight of 0, or a reader that there is not.
    """
    readers = "|".join(map(re.escape, sorted(prefixes, key=len, reverse=True)))
    pieces = re.split(rf",(?=(?:{readers})(?:[:@,]|$))", text)
    if len(pieces) == 1 and os.path.exists(text.partition(":")[2]):
        return [Part(text, 1.0)]
    return [_part(piece, prefixes) for piece in pieces]


def _part(piece: str, prefixes: Collection[str]) -> Part:
    found = _WEIGHT.fullmatch(piece)
    source, weight = (found[1], float(found[2])) if found else (piece, 1.0)
    if not 0 < weight < math.inf:
        raise UsageError(f"The weight of {source} must be above 0 but is {weight:g}. Leave the source out, or give 1.")
    other = _OTHER.search(source)
    if other and not os.path.exists(source.partition(":")[2]):
        raise unknown_name("reader of data", other[1], prefixes)
    return Part(source, float(f"{weight:.12g}"))


@dataclass(frozen=True)
class MixedSource:
    """A `DataSource` of several: their sequences together, and pairs of each by weight.

    Which source a pair comes from is decided by seed and number of the batch alone.

    Attributes:
        sources: Two or more.
        weights: As many, above 0; of their sum, the share of the pairs that come from each.
    """

    sources: tuple[DataSource, ...]
    weights: tuple[float, ...]

    @property
    def name(self) -> str:
        """The names of all with their weights."""
        parts = zip(self.sources, self.weights, strict=True)
        return ",".join(f"{source.name}@{weight:.12g}" for source, weight in parts)

    @property
    def fingerprint(self) -> str:
        """Of the fingerprints of all, and the weights."""
        return fingerprint(["mixture", [source.fingerprint for source in self.sources], self.weights])

    @property
    def convention(self) -> str:
        """Of all, where they have the same one; else empty."""
        found = {str(getattr(source, "convention", "")) for source in self.sources}
        return found.pop() if len(found) == 1 else ""

    def sequences(self, split: Split = "test", *, keep: bool = False) -> list[Video]:
        """See `DataSource`: those of all, source by source; weights do not matter."""
        return [sequence for source in self.sources for sequence in source.sequences(split, keep=keep)]

    def pairs(self, seed: int, index: int, count: int, sizes: PairSizes) -> Pairs:
        """See `DataSource`."""
        rng = np.random.Generator(np.random.PCG64(np.random.SeedSequence([seed, index, _STREAM])))
        share = np.array(self.weights) / sum(self.weights)
        counts = np.bincount(rng.choice(len(share), count, p=share), minlength=len(share))
        batches = [
            (number, source.pairs(_seed(seed, number), index, int(counts[number]), sizes))
            for number, source in enumerate(self.sources)
            if counts[number]
        ]
        scenes = np.concatenate([batch.scenes * len(share) + number for number, batch in batches])
        return _together([batch for _, batch in batches], scenes)

    def with_images(self, folder: str) -> DataSource:
        """See `DataSource`: the images are texture of those that draw some.

        Raises:
            UsageError: none does.
        """
        found, refusals = [], []
        for source in self.sources:
            try:
                found.append(source.with_images(folder))
            except UsageError as error:
                found.append(source)
                refusals.append(error)
        if len(refusals) == len(found):
            raise refusals[0]
        return MixedSource(tuple(found), self.weights)


def modules_of(source: DataSource) -> list[str]:
    """The modules that register the readers of a source, which another process imports to open it."""
    inner = source.sources if isinstance(source, MixedSource) else (source,)
    return sorted({type(each).__module__ for each in inner})


def _seed(seed: int, number: int) -> int:
    """Of the source `number` of a mixture, so that two of the same data draw other pairs."""
    return int(np.random.SeedSequence([seed, number, _STREAM]).generate_state(1)[0])


def _together(batches: Sequence[Pairs], scenes: NDArray[np.int64]) -> Pairs:
    """Batches as one, with these numbers of scenes, in their order."""
    order = np.argsort(scenes, kind="stable")
    found: dict[str, Any] = {}
    for name in (field.name for field in fields(Pairs)):
        arrays = [getattr(batch, name) for batch in batches]
        if name == "shows" and any(array is not None for array in arrays):
            arrays = [np.ones(len(b), dtype=bool) if b.shows is None else b.shows for b in batches]
        found[name] = None if arrays[0] is None else np.concatenate(arrays)[order]
    return Pairs(**found | {"scenes": scenes[order]})
