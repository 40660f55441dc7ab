"""Tiny data sets, laid out exactly as the published ones are, for tests of readers and of what reads through them.

    layout = LAYOUTS["otb"](tmp_path / "data")
    open_source(layout.location)

Frames are grey, each of another level; names of sequences, numbers of frames and files are the official ones.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from compress.testing.recorded_layouts.benchmarks import write_nfs, write_otb, write_tnl2k, write_uav123, write_vot
from compress.testing.recorded_layouts.frames import Expected, Layout, grey_of, moving, write_boxes, write_frames
from compress.testing.recorded_layouts.training import (
    write_coco,
    write_folder,
    write_got10k,
    write_lasot,
    write_lasot_ext,
    write_trackingnet,
    write_video,
)

__all__ = ["LAYOUTS", "Expected", "Layout", "grey_of", "moving", "write_boxes", "write_frames"]

LAYOUTS: dict[str, Callable[[Path], Layout]] = {
    "coco": write_coco,
    "folder": write_folder,
    "got10k": write_got10k,
    "lasot": write_lasot,
    "lasot-ext": write_lasot_ext,
    "nfs": write_nfs,
    "otb": write_otb,
    "tnl2k": write_tnl2k,
    "trackingnet": write_trackingnet,
    "uav123": write_uav123,
    "video": write_video,
    "vot": write_vot,
}
"""By the prefix of the reader; each writes into a folder that is not there yet."""
