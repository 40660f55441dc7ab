"""Sequences to evaluate on: generated ones, and folders in GOT-10k layout."""

from __future__ import annotations

from compress.core import UsageError
from compress.data.folder import FolderSequence, read_folder
from compress.data.sequence import Sequence

__all__ = ["FolderSequence", "Sequence", "load_sequences", "read_folder"]


def load_sequences(*sources: str) -> list[Sequence]:
    """The test sequences of each source: `generated`, or `folder:PATH` in GOT-10k layout.

    Raises:
        UsageError: a source of another form.
        FileError: a folder without sequences, or with a damaged one.
    """
    return [sequence for source in sources for sequence in _load(source)]


def _load(source: str) -> list[Sequence]:
    if source == "generated":
        from compress.data.generated import generated_sequences  # drawn by code that only this source needs

        return list(generated_sequences())
    kind, _, path = source.partition(":")
    if kind == "folder" and path:
        return list(read_folder(path))
    raise UsageError(f"Data must be 'generated' or 'folder:PATH' but is {source!r}. Example: folder:videos/my-video.")
