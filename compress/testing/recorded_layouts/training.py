"""What is trained on, in the official layouts: COCO, GOT-10k, LaSOT, TrackingNet; own videos, folders."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np

from compress.testing.recorded_layouts.frames import (
    Expected,
    Layout,
    grey_of,
    moving,
    picture,
    write_boxes,
    write_frames,
)


def write_coco(root: Path) -> Layout:
    """Two images with three objects to train on, a crowd, and one that is not more than 50 pixels high."""
    (root / "train2017").mkdir(parents=True)
    for number in (9, 25):
        (root / "train2017" / f"{number:012d}.jpg").write_bytes(picture(grey_of(number), ".jpg", 160, 120))
    names = [{"id": number, "file_name": f"{number:012d}.jpg", "width": 160, "height": 120} for number in (25, 9)]
    found = [(7, 9, [10.5, 8, 60, 51], 0), (3, 9, [40, 20, 90, 70], 0), (4, 25, [1, 2, 80, 50], 0)]
    found += [(5, 25, [1, 2, 80, 80], 1), (6, 25, [30, 25, 70, 70.25], 0)]
    objects = [
        {"id": number, "image_id": image, "bbox": box, "iscrowd": crowd, "category_id": 1, "segmentation": [[1.0] * 8]}
        for number, image, box, crowd in found
    ]
    path = root / "annotations" / "instances_train2017.json"
    path.parent.mkdir()
    about = {"info": {"year": 2017}, "licenses": [], "images": names, "annotations": objects, "categories": [{"id": 1}]}
    path.write_text(json.dumps(about))
    return Layout(
        f"coco:{root}",
        {
            "000000000009-3": Expected(np.array([[40.0, 20, 90, 70]]), grey_of(9)),
            "000000000009-7": Expected(np.array([[10.5, 8, 60, 51]]), grey_of(9)),
            "000000000025-6": Expected(np.array([[30, 25, 70, 70.25]]), grey_of(25)),
        },
        (path, "[40, 20,", "[41, 20,"),
        path,
        "instances_train2017.json",
    )


def write_video(root: Path) -> Layout:
    """Two videos with their annotations."""
    root.mkdir(parents=True)
    boxes = moving(12)
    boxes[5] = 0
    for name in ("cat", "dog"):
        writer = cv2.VideoWriter(str(root / f"{name}.mp4"), cv2.VideoWriter.fourcc(*"mp4v"), 25, (96, 72))
        for number in range(1, 13):
            writer.write(np.full((72, 96, 3), grey_of(number), np.uint8))
        writer.release()
        write_boxes(root / f"{name}.txt", boxes)
    return Layout(
        f"video:{root}",
        {name: Expected(boxes, grey_of(1)) for name in ("cat", "dog")},
        (root / "cat.txt", "11,12,", "13,12,"),
        root / "cat.txt",
        "cat.txt",
    )


def write_got10k(root: Path) -> Layout:
    """Two sequences of `val`, in another order than by name; in one the object is covered and then absent."""
    boxes = moving(6)
    boxes[3:5] = 0
    sequences = {"GOT-10k_Val_000002": moving(5), "GOT-10k_Val_000001": boxes}
    for name, found in sequences.items():
        folder = write_frames(root / "val" / name, range(1, len(found) + 1), 8)
        write_boxes(folder / "groundtruth.txt", found)
        (folder / "absence.label").write_text("".join("0\n" if box[2] else "1\n" for box in found))
        (folder / "cover.label").write_text("".join("8\n" if box[2] else "0\n" for box in found))
    (root / "val" / "list.txt").write_text("\n".join(sequences) + "\n")
    return Layout(
        f"got10k:{root}",
        {name: Expected(found, grey_of(1)) for name, found in sequences.items()},
        (root / "val" / "GOT-10k_Val_000001" / "groundtruth.txt", "11,12,", "13,12,"),
        root / "val" / "GOT-10k_Val_000001" / "cover.label",
        "cover.label",
    )


def write_lasot(root: Path) -> Layout:
    """Two test sequences of one category."""
    return _write_lasot(root, "lasot", ("airplane-1", "airplane-13"))


def write_lasot_ext(root: Path) -> Layout:
    """Two sequences of one category of the extension."""
    return _write_lasot(root, "lasot-ext", ("atv-1", "atv-10"))


def _write_lasot(root: Path, prefix: str, names: tuple[str, ...]) -> Layout:
    boxes = moving(7)
    boxes[2], boxes[5] = 0, 0
    for name in names:
        folder = root / name.partition("-")[0] / name
        write_frames(folder / "img", range(1, 8), 8)
        write_boxes(folder / "groundtruth.txt", boxes)
        (folder / "full_occlusion.txt").write_text("0,0,1,0,0,0,0")
        (folder / "out_of_view.txt").write_text("0,0,0,0,0,1,0")
    (root / "annos" / "att").mkdir(parents=True)
    (root / "annos" / "att" / f"{names[1]}.txt").write_text("0,1,0,0,0,0,0,0,0,0,0,0,0,1")
    return Layout(
        f"{prefix}:{root}",
        {names[0]: Expected(boxes, grey_of(1)), names[1]: Expected(boxes, grey_of(1), frozenset({"POC", "ARC"}))},
        (folder / "groundtruth.txt", "11,12,", "13,12,"),
        folder / "out_of_view.txt",
        "out_of_view.txt",
    )


def write_trackingnet(root: Path) -> Layout:
    """Two sequences of the first training part, numbered from 0 without zeros before."""
    boxes = moving(11)
    for name in ("-B1tZ_0", "Aa2.b_3"):
        write_frames(root / "TRAIN_0" / "frames" / name, range(11), 1)
        write_boxes(root / "TRAIN_0" / "anno" / f"{name}.txt", boxes)
    return Layout(
        f"trackingnet:{root}:train-0",
        {name: Expected(boxes, grey_of(0)) for name in ("-B1tZ_0", "Aa2.b_3")},
        (root / "TRAIN_0" / "anno" / "Aa2.b_3.txt", "11,12,", "13,12,"),
        root / "TRAIN_0" / "frames" / "Aa2.b_3" / "10.jpg",
        "Aa2.b_3",
    )


def write_folder(root: Path) -> Layout:
    """Two of the user's own sequences."""
    for name in ("a", "b"):
        write_frames(root / name, range(1, 5), 4, ".png")
        write_boxes(root / name / "groundtruth.txt", moving(4))
    return Layout(
        f"folder:{root}",
        {name: Expected(moving(4), grey_of(1)) for name in ("a", "b")},
        (root / "b" / "groundtruth.txt", "11,12,", "13,12,"),
        root / "b" / "groundtruth.txt",
        "groundtruth.txt",
    )
