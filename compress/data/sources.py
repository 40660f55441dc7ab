"""Data sources: what sequences and training pairs come from, each opened by the prefix of its reader.

A reader is added from outside by one registration:

    @READERS.register("mine")
    class Mine(RecordedSource):
        form, summary = "mine:PATH", "what the lab has recorded"
        ...

It then serves `--data` and `--train-data` of every command, and is listed in their help.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from typing import Literal, Protocol

from compress.core import FileError, Registry, UsageError, fingerprint
from compress.data.pairs import Pairs, PairSizes
from compress.data.sequence import Sequence

Split = Literal["test", "validation", "short"]
"""What sequences are for.

- `test`: what accuracy is reported on.
- `validation`: what is chosen on after training, such as exit thresholds.
- `short`: what the lower rungs of a search score on; few frames each.

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
"""By prefix. `open_source` adds those that ship."""


def open_source(text: str, *, images: str = "") -> DataSource:
    """The source that a user names, such as `generated` or `folder:PATH`.

    Args:
        images: Folder of images as texture of generated pairs; empty for none.

    Raises:
        UsageError: no reader has this prefix, or its reader needs another form.
    """
    prefix, _, location = text.partition(":")
    if prefix not in registered_readers():
        forms = " or ".join(repr(reader.form) for _, reader in registered_readers().items())
        raise UsageError(f"Data must be {forms} but is {text!r}. Example: folder:videos/my-video.")
    source = READERS[prefix](location)
    return source.with_images(images) if images else source


def registered_readers() -> Registry[Reader]:
    """All readers, those that ship among them."""
    import_module("compress.data.readers")
    return READERS


@dataclass(frozen=True)
class DataReference:
    """A source as another process opens it, and what must be in it. Plain and picklable.

    Attributes:
        source: See `DataSource.name`.
        module: Where its reader is registered.
    """

    source: str
    fingerprint: str
    module: str

    @classmethod
    def of(cls, source: DataSource) -> DataReference:
        """Raises `FileError` where the source cannot be read."""
        return cls(source.name, source.fingerprint, type(source).__module__)

    def open(self, *, check: bool = True) -> DataSource:
        """The source.

        Args:
            check: Whether to look at its content; not needed beside a process that has just done so.

        Raises:
            FileError: there is other content now.
        """
        if self.source.partition(":")[0] not in registered_readers():
            import_module(self.module)
        source = open_source(self.source)
        if check and source.fingerprint != self.fingerprint:
            raise FileError(
                f"{self.source} holds other data than when this work was given out. Give the search another --out, "
                "or put the data back."
            )
        return source


def split_key(source: DataSource | DataReference, split: Split) -> str:
    """The fingerprint of what a split of a source holds, which scores are kept by."""
    return fingerprint([source.fingerprint, split])
