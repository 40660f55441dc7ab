"""`compress track`: a bundle follows one object in a video. Never imports torch."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from compress.cli.execution_paths import path_figures, path_text
from compress.cli.number_types import Number, Numbers
from compress.cli.options import json_option, out_option, print_json, quiet_option
from compress.cli.progress import progress_display
from compress.core import warn
from compress.core.ranges import PIXELS, THREADS

if TYPE_CHECKING:
    from compress.core.progress import Progress
    from compress.runtime import FrameSource


@click.command()
@click.argument("bundle", type=click.Path(path_type=Path))
@click.option("--video", required=True, help="A video, a folder of images, or generated[:NAME].")
@click.option(
    "--init",
    type=Numbers(PIXELS, "213,121,21,95", count=4),
    metavar="x,y,w,h",
    help="Box of the object in the first frame, in pixels.",
)
@out_option("Text file of one x,y,w,h line per frame; the first is --init.", required=True)
@click.option("--draw", type=click.Path(path_type=Path), help="Also write an .mp4 with the boxes drawn.")
@click.option("--threads", type=Number(THREADS), help="onnxruntime's threads; those of the bundle by default.")
@json_option
@quiet_option
def command(
    bundle: Path,
    video: str,
    init: tuple[float, ...] | None,
    out: Path,
    draw: Path | None,
    threads: int | None,
    as_json: bool,
    quiet: bool,
) -> None:
    """Follow an object in a video with BUNDLE, made by `compress export`.

    --init may be left out for a generated sequence and for a folder with a groundtruth.txt, of which the first line
    counts. Images in img or color of a folder are found, and turned as their EXIF says. Milliseconds per frame
    are from crop through network to box; reading and drawing are left out. A tracker with an online template renews it
    as often as `compress export --update-interval` said. Of a cascade it says how often the accurate tracker was asked.
    """
    from compress.runtime import bundle_network, check_places, open_any_bundle, speed, track, write_steps

    opened = open_any_bundle(bundle)
    frames = _source(video)
    check_places(out=out, draw=draw, inputs=[*frames.files, Path(video) / "groundtruth.txt", *_files(bundle)])
    box = _known_box(video, frames) if init is None else list(init)
    network = bundle_network(opened, threads=threads)
    with progress_display(quiet=quiet or as_json) as progress:
        steps = track(network, opened.settings, _counted(frames, progress), box)
        ms, renewals, paths = write_steps(steps, frames, spec=opened.spec, out=out, draw=draw)
    result = {"bundle": opened.name, "spec_id": opened.spec.id, "frames": len(ms), **speed(ms[1:])}
    result |= {"template_ms": ms[0], "video_fps": frames.fps, "threads": network.threads, "boxes": out, "drawn": draw}
    result |= {"update_interval": opened.settings.update_interval, "renewals": renewals}
    if as_json:
        print_json({**result, **path_figures(paths, opened.spec)})
    elif not quiet:
        click.echo(_words(result, f"{path_text(paths, opened.spec)}\n" if paths else ""))
    if frames.count and frames.count - len(ms) > max(1, frames.count // 50):
        warn(f"{video} announces {frames.count} frames, but only {len(ms)} could be read. It may be cut or damaged.")


def _source(video: str) -> FrameSource:
    from compress.runtime import Frames

    name, _, sequence = video.partition(":")
    if name == "generated" and not Path(video).exists():
        return _Generated(sequence or "camera-1")
    return Frames(video)


def _known_box(video: str, frames: FrameSource) -> list[float]:
    """The first frame's box where the frames come with one."""
    from compress.core import UsageError
    from compress.data import first_box

    known = frames.box if isinstance(frames, _Generated) else first_box(video) if Path(video).is_dir() else None
    if known is None:
        raise UsageError("Say where the object is in the first frame: --init x,y,w,h, in pixels.")
    return known


def _files(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


class _Generated:
    """A generated test sequence as frames."""

    fps: float | None = 25.0
    files: Sequence[Path] = ()

    def __init__(self, name: str) -> None:
        from compress.core import unknown_name
        from compress.data import load_sequences

        sequences = {sequence.name: sequence for sequence in load_sequences("generated")}
        if name not in sequences:
            raise unknown_name("generated sequence", name, sequences)
        self._sequence = sequences[name]
        self.count: int | None = len(self._sequence)
        self.box: list[float] = self._sequence.boxes[0].tolist()

    def __iter__(self) -> Iterator[Any]:
        return (self._sequence.frame(i) for i in range(len(self._sequence)))


def _counted(frames: FrameSource, progress: Progress) -> Iterator[Any]:
    """The frames, each noted; the share stays 0 where nobody knows how many there are."""
    for i, frame in enumerate(frames):
        progress(f"tracking frame {i + 1}", min(1.0, (i + 1) / frames.count) if frames.count else 0.0)
        yield frame


def _words(result: dict[str, Any], paths: str) -> str:
    places = f"{result['boxes']}" + (f", drawn in {result['drawn']}" if result["drawn"] else "")
    if result["fps"] is None:
        return f"1 frame: its box is in {places}."
    video_fps = result["video_fps"]
    ratio = f", {result['fps'] / video_fps:.1f} × the video's {video_fps:g}" if video_fps else ""
    every = result["update_interval"]
    renewals = f"The template was renewed {result['renewals']} times, at most every {every} frames.\n" if every else ""
    return (
        f"{result['frames']} frames: boxes are in {places}.\n{renewals}{paths}"
        f"{result['mean_ms']:.2f} ms a frame (p50 {result['p50_ms']:.2f}, p99 {result['p99_ms']:.2f}) "
        f"for crop, network and decode, without reading and drawing.\n"
        f"{result['fps']:.0f} fps with {result['threads']} thread{'s' * (result['threads'] > 1)}{ratio}."
    )
