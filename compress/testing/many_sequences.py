"""A folder of thousands of sequences that takes next to no room: the same few frames, linked again and again."""

from __future__ import annotations

import os
from pathlib import Path

import cv2

from compress.data.generated import GeneratedSequence, levels_of

_FRAMES = 4
"""Of each sequence. A file can have some ten thousands of links, so that each frame is a file of its own."""


def many_sequences(folder: Path, count: int) -> None:
    """Write `count` sequences in the layout of GOT-10k's training set, with its `list.txt`."""
    sequence = GeneratedSequence(0, name="one", levels=levels_of("mixed"), length=_FRAMES)
    names = [f"GOT-10k_Train_{k + 1:06d}" for k in range(count)]
    first = folder / names[0]
    first.mkdir(parents=True)
    for i in range(_FRAMES):
        cv2.imwrite(str(first / f"{i + 1:08d}.jpg"), sequence.frame(i)[..., ::-1])
    lines = [",".join(f"{value:.4f}" for value in box) for box in sequence.boxes]
    (first / "groundtruth.txt").write_text("\n".join(lines) + "\n")
    for name, text in (("absence.label", "0\n"), ("cover.label", "8\n")):
        (first / name).write_text(text * _FRAMES)
    files = sorted(first.iterdir())
    for name in names[1:]:
        (folder / name).mkdir()
        for file in files:
            os.link(file, folder / name / file.name)
    (folder / "list.txt").write_text("\n".join(names) + "\n")
