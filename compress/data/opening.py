"""Opening data sources: by the name that a user gives, and as another process opens them again."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from importlib import import_module

from compress.core import FileError, UsageError, fingerprint
from compress.data.mixture import MixedSource, mixture_parts, modules_of
from compress.data.readers import registered_readers
from compress.data.recorded_source import RecordedSource
from compress.data.sequence import Sequence
from compress.data.sources import DataSource, Split


def open_source(text: str, *, images: str = "", training: bool = False) -> DataSource:
    """The source that a user names, such as `generated`, `folder:PATH` or `got10k:PATH@2,lasot:PATH@1`.

    Args:
        images: Folder of images as texture of generated pairs; empty for none.
        training: It is to be trained on: where no split is named, its training split is meant, not the one that
            trackers are scored on. The name of the source names the split.

    Raises:
        UsageError: no reader has this prefix, its reader needs another form, or see `mixture_parts`.
    """
    parts = mixture_parts(text, registered_readers())
    sources = tuple(_opened(part.source, training) for part in parts)
    source = sources[0] if len(sources) == 1 else MixedSource(sources, tuple(part.weight for part in parts))
    return source.with_images(images) if images else source


def _opened(text: str, training: bool) -> DataSource:
    prefix, _, location = text.partition(":")
    readers = registered_readers()
    if prefix not in readers:
        forms = " or ".join(repr(reader.form) for _, reader in readers.items())
        raise UsageError(f"Data must be {forms} but is {text!r}. Example: folder:videos/my-video.")
    source = readers[prefix](location)
    return source.for_training() if training and isinstance(source, RecordedSource) else source


def load_sequences(*sources: str) -> list[Sequence]:
    """The test sequences of each source that a user names, see `open_source`.

    Raises:
        UsageError: a source of another form.
        FileError: a folder without sequences, or with a damaged one.
    """
    return [sequence for source in sources for sequence in open_source(source).sequences()]


@dataclass(frozen=True)
class DataReference:
    """A source as another process opens it, and what must be in it. Plain and picklable.

    Attributes:
        source: See `DataSource.name`.
        module: Where its readers are registered; several separated by commas.
    """

    source: str
    fingerprint: str
    module: str

    @classmethod
    def of(cls, source: DataSource) -> DataReference:
        """Raises `FileError` where the source cannot be read."""
        return cls(source.name, source.fingerprint, ",".join(modules_of(source)))

    def open(self, *, check: bool = True) -> DataSource:
        """The source.

        Args:
            check: Whether to compare its content; not needed where the calling process has just done so.

        Raises:
            FileError: its content is not what `fingerprint` says.
        """
        for module in self.module.split(","):
            if module not in sys.modules:
                import_module(module)
        source = open_source(self.source)
        if check and source.fingerprint != self.fingerprint:
            raise FileError(
                f"{self.source} holds other data than when this job was made. Give the search another --out, or put "
                "the data back."
            )
        return source


def split_key(source: DataSource | DataReference, split: Split) -> str:
    """The fingerprint of what a split of a source holds, which scores are kept by."""
    return fingerprint([source.fingerprint, split])


def convention_of(source: DataSource) -> str:
    """The data set whose convention scores on a source follow, such as `got10k`; empty for the default one."""
    return str(getattr(source, "convention", ""))
