"""`PairRow`: the endless row of pairs that a source and a seed decide, of which any stretch can be drawn by itself.

So processes that train together draw each its own share of a batch, and no batch size makes other pairs.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from compress.data.pairs import Pairs, PairSizes
from compress.data.sources import DataSource

GROUP = 8
"""Pairs that are drawn together, as many as generated data takes from one scene: number n of the row is in batch
n // `GROUP` of the source. What a stretch has of a group that it shares with others is drawn for each of them."""


class PairRow:
    """The row of a source and a seed; the group drawn last stays in memory.

    Args:
        sizes: Of the crops, with the recipe of how they are drawn.
    """

    def __init__(self, source: DataSource, seed: int, sizes: PairSizes) -> None:
        self._source, self._seed, self._sizes = source, seed, sizes
        self._last: tuple[int, Pairs] | None = None

    def pairs(self, begin: int, end: int) -> Pairs:
        """Numbers `begin` up to `end`; a scene that two groups show counts as two.

        Raises:
            UsageError, FileError: of the source.
        """
        first = begin // GROUP
        groups = [self._group(number) for number in range(first, -(-end // GROUP))]
        arrays = [group.arrays() for group in groups]
        together = {name: np.concatenate([each[name] for each in arrays]) for name in arrays[0]}
        together["scenes"] = _risen([group.scenes for group in groups])
        part = slice(begin - first * GROUP, end - first * GROUP)
        return Pairs(**{name: values[part] for name, values in together.items()})

    def _group(self, number: int) -> Pairs:
        if self._last is None or self._last[0] != number:
            self._last = number, self._source.pairs(self._seed, number, GROUP, self._sizes)
        return self._last[1]


def _risen(scenes: list[NDArray[np.int64]]) -> NDArray[np.int64]:
    """Numbers of scenes, those of each group above those of the group before."""
    above = np.cumsum([0, *(int(each.max()) + 1 for each in scenes[:-1])])
    return np.concatenate([each + shift for each, shift in zip(scenes, above, strict=True)])
