"""`folder:PATH`: the user's own sequences, in the layout of a data set."""

from __future__ import annotations

from compress.data.folder_sequences import folder_annotations, listed_folders
from compress.data.recorded_sequence import RecordedSequence, SequenceFiles
from compress.data.recorded_source import RecordedSource
from compress.data.sequence import Sequence
from compress.data.sources import READERS


@READERS.register("folder")
class FolderSource(RecordedSource):
    """One sequence, or a folder of sequences; see `read_folder`."""

    form = "folder:PATH"
    summary = "sequences in the layout of GOT-10k, LaSOT, OTB or VOT"

    def listed(self) -> list[SequenceFiles]:
        """See `listed_folders`."""
        return listed_folders(self.path)

    def opened(self, files: SequenceFiles) -> Sequence:
        """See `folder_annotations`."""
        return RecordedSequence(files, folder_annotations)
