"""`video:PATH`: video files with annotations beside them.

    PATH/cat.mp4        or any other container; PATH may also be one video itself
    PATH/cat.txt        x,y,w,h a line, one for each frame; see `read_boxes` for separators and what is absent

Frames come in the order of the video. To draw training pairs from long videos, unpack them into images and use
`folder:`, since a frame before the last one is decoded from the start.
"""

from __future__ import annotations

from pathlib import Path

from compress.core import FileError
from compress.data.annotations import read_boxes
from compress.data.listing import existing, inner_files
from compress.data.recorded_sequence import Annotations, SequenceFiles
from compress.data.recorded_source import RecordedSource
from compress.data.sequence import Sequence
from compress.data.sources import READERS
from compress.data.video_sequence import VideoSequence

SUFFIXES = (".avi", ".m4v", ".mkv", ".mov", ".mp4", ".mpeg", ".mpg", ".webm", ".wmv")
"""Of the files in a folder that are taken for videos; a file given by its own name may have any."""


@READERS.register("video")
class VideoSource(RecordedSource):
    """Videos with annotations beside them; see the module."""

    form = "video:PATH"
    summary = "a video file, or a folder of some, with x,y,w,h lines in NAME.txt beside NAME.mp4"
    layout = f"PATH/cat.mp4 (or {', '.join(SUFFIXES)}) and PATH/cat.txt"

    def listed(self) -> list[SequenceFiles]:
        """In the order of names; the file itself where `PATH` is one.

        Raises:
            FileError: there is nothing at the path.
        """
        if not self.path.is_dir():
            return [_files(self.path, self.path.stem)] if self.path.exists() else []
        found = inner_files(self.path, lambda name: name.lower().endswith(SUFFIXES))
        stems = [path.stem for path in found]
        return [_files(path, path.stem if stems.count(path.stem) == 1 else path.name) for path in found]

    def opened(self, files: SequenceFiles) -> Sequence:
        """One of them."""
        return VideoSequence(files, video_annotations)


def video_annotations(files: SequenceFiles, frames: int) -> Annotations:
    """The boxes beside a video of at most so many frames.

    Raises:
        FileError: there is no annotation file, or it is damaged.
    """
    if not files.annotations:
        raise FileError(
            f"{files.images} has no {files.images.stem}.txt beside it. Add it, one x,y,w,h line for each frame."
        )
    return Annotations.of_boxes(read_boxes(files.annotations[0], frames))


def _files(video: Path, name: str) -> SequenceFiles:
    return SequenceFiles(name, video, existing(video.parent, [f"{video.stem}.txt"]))
