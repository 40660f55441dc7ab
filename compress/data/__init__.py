"""Sequences to evaluate on and pairs to train on, from sources that are opened by name: see `sources`."""

from __future__ import annotations

from compress.data.folder_sequences import FolderSequence, first_box, read_folder
from compress.data.opening import DataReference, load_sequences, open_source, split_key
from compress.data.pairs import Pairs, PairSizes
from compress.data.readers import registered_readers
from compress.data.recorded_source import RecordedSource
from compress.data.sequence import CachedSequence, Sequence
from compress.data.sources import READERS, DataSource, Split

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
    "first_box",
    "load_sequences",
    "open_source",
    "read_folder",
    "registered_readers",
    "split_key",
]
