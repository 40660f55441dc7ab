"""A data source that notes which batches of pairs were asked for."""

from __future__ import annotations

from compress.data import DataSource, Pairs, PairSizes, Sequence, open_source
from compress.data.sources import Split


class CountedSource:
    """Generated data; see `DataSource`. What is asked of another process is not noted.

    Attributes:
        asked: Seed, index and count of every batch of pairs, in order.
    """

    def __init__(self) -> None:
        self._source = open_source("generated")
        self.asked: list[tuple[int, int, int]] = []

    @property
    def name(self) -> str:
        """Of the generated data."""
        return self._source.name

    @property
    def fingerprint(self) -> str:
        """Of the generated data."""
        return self._source.fingerprint

    def sequences(self, split: Split = "test", *, keep: bool = False) -> list[Sequence]:
        """Those of the generated data."""
        return self._source.sequences(split, keep=keep)

    def pairs(self, seed: int, index: int, count: int, sizes: PairSizes) -> Pairs:
        """Those of the generated data; noted."""
        self.asked.append((seed, index, count))
        return self._source.pairs(seed, index, count, sizes)

    def with_images(self, folder: str) -> DataSource:
        """Not noted any more."""
        return self._source.with_images(folder)
