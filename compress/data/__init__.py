"""Sequences to evaluate on and pairs to train on, from sources that are opened by name: see `sources`."""

from __future__ import annotations

from compress.data.folder_sequences import first_box, read_folder
from compress.data.opening import DataReference, convention_of, load_sequences, open_source, split_key
from compress.data.pairs import Pairs, PairSizes
from compress.data.readers import registered_readers
from compress.data.recorded_sequence import Annotations, RecordedSequence, SequenceFiles
from compress.data.recorded_source import RecordedSource
from compress.data.sequence import CachedSequence, Sequence, attributes_of, first_only
from compress.data.sources import READERS, DataSource, Split

__all__ = [
    "READERS",
    "Annotations",
    "CachedSequence",
    "DataReference",
    "DataSource",
    "PairSizes",
    "Pairs",
    "RecordedSequence",
    "RecordedSource",
    "Sequence",
    "SequenceFiles",
    "Split",
    "attributes_of",
    "convention_of",
    "first_box",
    "first_only",
    "load_sequences",
    "open_source",
    "read_folder",
    "registered_readers",
    "split_key",
]
