"""Sequences to evaluate on and pairs to train on, from sources that are opened by name: see `sources`."""

from __future__ import annotations

from compress.data.cached import CachedSequence
from compress.data.folder import FolderSequence, read_folder
from compress.data.pairs import Pairs, PairSizes
from compress.data.recorded_source import RecordedSource
from compress.data.sequence import Sequence
from compress.data.sources import READERS, DataReference, DataSource, Split, open_source, registered_readers, split_key

__all__ = [
    "READERS",
    "CachedSequence",
    "DataReference",
    "DataSource",
    "FolderSequence",
    "PairSizes",
    "Pairs",
    "RecordedSource",
    "Sequence",
    "Split",
    "load_sequences",
    "open_source",
    "read_folder",
    "registered_readers",
    "split_key",
]


def load_sequences(*sources: str) -> list[Sequence]:
    """The test sequences of each source that a user names, see `open_source`.

    Raises:
        UsageError: a source of another form.
        FileError: a folder without sequences, or with a damaged one.
    """
    return [sequence for source in sources for sequence in open_source(source).sequences()]
