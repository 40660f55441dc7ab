"""`folder:PATH`: the user's own sequences, in the layout of a data set."""

from __future__ import annotations

from functools import cached_property

from compress.data.file_fingerprints import sequences_fingerprint
from compress.data.folder_sequences import LABELS, read_folder, sequence_folders
from compress.data.recorded_source import RecordedSource
from compress.data.sequence import Sequence
from compress.data.sources import READERS


@READERS.register("folder")
class FolderSource(RecordedSource):
    """One sequence, or a folder of sequences; see `read_folder`."""

    form = "folder:PATH"
    summary = "sequences in the layout of GOT-10k, LaSOT, OTB or VOT"

    def read(self) -> list[Sequence]:
        """See `read_folder`."""
        return list(read_folder(self.path))

    @cached_property
    def fingerprint(self) -> str:
        """Of names, frames, boxes and labels, wherever the folder lies."""
        return sequences_fingerprint(sequence_folders(self.path), whole=LABELS)
