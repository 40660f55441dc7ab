"""Writes the boxes of a tracked video to a text file, and the video with the boxes drawn where asked for."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from contextlib import ExitStack
from pathlib import Path
from typing import NamedTuple, TextIO

from compress.core import ACCURATE_ASKED, AnySpec, CascadeSpec, ExecutionPath, UsageError
from compress.core.outputs import check_output, is_same
from compress.core.writing import writing
from compress.runtime.draw import BoxVideo, box_video, check_suffix
from compress.runtime.frames import FrameSource
from compress.runtime.track import Step

_FPS = 30.0  # of a drawn video whose source gives none


def check_places(*, out: Path, draw: Path | None, inputs: Iterable[Path]) -> None:
    """Raises `UsageError` where a result would fall on one of `inputs`, on the other result or on a folder."""
    if draw is not None:
        check_suffix(draw)
        if is_same(draw, out):
            raise UsageError(f"--draw and --out both name {out}. Give them different names.")
    for path in (out, draw):
        if path is not None:
            check_output(path, inputs)


class Followed(NamedTuple):
    """Summary of the steps that `write_steps` wrote.

    Attributes:
        ms: Milliseconds of each step, the first that of the template.
        renewals: How often the template was renewed.
        paths: How many frames took each path through an adaptive tracker; empty for others.
    """

    ms: list[float]
    renewals: int
    paths: dict[ExecutionPath, int]


def write_steps(
    steps: Iterable[Step], frames: FrameSource, *, spec: AnySpec, out: Path, draw: Path | None = None
) -> Followed:
    """Write a line `x,y,w,h` per step to `out`, and each step's frame with its box to the mp4 `draw`.

    Both files appear whole when the last step is done, and not at all otherwise. A video without a rate is drawn at 30
    frames per second.

    Raises:
        FileError: a frame cannot be read, or the video not written.
    """
    ms, renewals, paths = [], 0, Counter[ExecutionPath]()
    # Opened before the first frame, so that a place that cannot be written is known at once.
    with writing(out, frames.files) as temporary, temporary.open("w", encoding="ascii") as file, ExitStack() as stack:
        video: BoxVideo | None = None
        for step in steps:
            ms.append(step.ms)
            renewals += step.renewed
            paths.update([] if step.path is None else [step.path])
            _write_line(file, step)
            if draw is not None:
                height, width = step.frame.shape[:2]
                size, fps = (width, height), frames.fps or _FPS
                video = video or stack.enter_context(box_video(draw, size=size, fps=fps))
                video.write(step.frame, step.box, label(step, spec, first=len(ms) == 1))
    return Followed(ms, renewals, dict(paths))


def _write_line(file: TextIO, step: Step) -> None:
    file.write(",".join(f"{value:.3f}" for value in step.box) + "\n")


def label(step: Step, spec: AnySpec, *, first: bool) -> str:
    """What is drawn into a step's frame; of an adaptive tracker with a second line, what it computed, of a
    cascade whose box it is."""
    if first:
        return "start"
    line = f"score {step.score:.2f}  {1000 / step.ms:.0f} fps"
    if step.path is None:
        return line
    if isinstance(spec, CascadeSpec):
        return f"{line}\n{'accurate' if step.path == ACCURATE_ASKED else 'fast'}"
    exit = "" if step.path.exit is None else f", exit {step.path.exit}"
    return f"{line}\n{step.path.layers(spec)}/{len(spec.layers)} layers{exit}"
