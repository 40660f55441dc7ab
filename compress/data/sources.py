"""Data sources: what sequences and training pairs come from, each opened by the prefix of its reader.

A reader is added from outside by one registration:

    @READERS.register("mine")
    class Mine(RecordedSource):
        form, summary = "mine:PATH", "what the lab has recorded"
        ...

It then serves `--data` and `--train-data` of every command, and is listed in their help.
"""

from __future__ import annotations

from typing import Literal, Protocol

from compress.core import Registry
from compress.data.pairs import Pairs, PairSizes
from compress.data.sequence import Sequence

Split = Literal["test", "validation", "short", "search"]
"""What sequences are for.

- `test`: what accuracy is reported on.
- `validation`: what is chosen on after training, such as exit thresholds.
- `short`: what the lower rungs of a search score on; few frames each.
- `search`: what a search scores at full fidelity. Its students are compared on the same sequences, and many short ones
  tell them apart better than a few long ones of as many frames.

Where data has no split of its own for a purpose, its test sequences serve.
"""


class DataSource(Protocol):
    """Sequences to evaluate on and pairs to train on, known by what is in them rather than by where they lie."""

    @property
    def name(self) -> str:
        """What opens it again by `open_source` from any working directory."""
        ...

    @property
    def fingerprint(self) -> str:
        """Of its content: equal wherever the same data lies, another where a frame or an annotation is another.

        Raises:
            FileError: what it needs is missing.
        """
        ...

    def sequences(self, split: Split = "test", *, keep: bool = False) -> list[Sequence]:
        """The sequences of a split.

        Args:
            keep: They are asked for again and again, so frames that are slow to come by may stay in memory.

        Raises:
            FileError: one is missing or damaged.
        """
        ...

    def pairs(self, seed: int, index: int, count: int, sizes: PairSizes) -> Pairs:
        """Batch number `index` of the endless stream that `seed` names; the same numbers give the same batch.

        Args:
            count: Pairs in the batch.
            sizes: Of the crops, with the recipe of how they are drawn.

        Raises:
            UsageError: nothing in it can be trained on.
            FileError: something is missing or damaged.
        """
        ...

    def with_images(self, folder: str) -> DataSource:
        """The source with the images of a folder as texture of its pairs.

        Raises:
            UsageError: it draws no texture.
        """
        ...


class Reader(Protocol):
    """Opens a source by what follows the prefix; a class of `DataSource` is one.

    Attributes:
        form: What a user writes, such as `folder:PATH`.
        summary: What that reads, in a few words.
    """

    form: str
    summary: str

    def __call__(self, location: str, /) -> DataSource:
        """Raises `UsageError` where `location` is of another form."""
        ...


READERS = Registry[Reader]("reader of data")
"""By prefix; `compress.data.readers` holds those that ship."""
