"""How long the fingerprint of many sequences takes, the first time and again.

    python benchmarks/fingerprints.py --sequences 10000 --frames 10

Sequences of one drawn JPEG frame, altered in each copy, are written to a temporary folder; nothing else is read. The
first time reads what a fingerprint is made of, from the page cache where the folder has just been written; the second
only asks the file system whether something has changed. `--settled` seconds pass before, since what was written just
now is not kept.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from pathlib import Path

import cv2
import numpy as np

from compress.data import open_source
from compress.data.generated import generated_sequences


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sequences", type=int, default=10_000)
    parser.add_argument("--frames", type=int, default=10)
    parser.add_argument("--settled", type=float, default=4.0)
    parser.add_argument("--folder", type=Path, help="Where the temporary folder is made.")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=options.folder) as name:
        os.environ["COMPRESS_HOME"] = str(Path(name) / "home")
        _write(Path(name) / "data", options.sequences, options.frames)
        time.sleep(options.settled)
        found = [_timed(Path(name) / "data") for _ in range(2)]
    assert found[0][0] == found[1][0], "nothing has changed in between"
    print(f"{options.sequences} sequences of {options.frames} frames")
    for text, (_, seconds, processor) in zip(("first", "again"), found, strict=True):
        print(f"{text}: {seconds:.2f} s, {processor:.2f} s of them of the processor")


def _timed(folder: Path) -> tuple[str, float, float]:
    begin, processor = time.perf_counter(), time.process_time()
    found = open_source(f"folder:{folder}").fingerprint
    return found, time.perf_counter() - begin, time.process_time() - processor


def _write(folder: Path, sequences: int, frames: int) -> None:
    frame = generated_sequences(per_difficulty=1, length=1)[0].frame(0)
    data = np.asarray(cv2.imencode(".jpg", frame)[1]).tobytes()
    boxes = "100,100,40,40\n" * frames
    for k in range(sequences):
        sequence = folder / f"GOT-10k_Train_{k + 1:06d}"
        sequence.mkdir(parents=True)
        (sequence / "groundtruth.txt").write_text(boxes)
        for i in range(frames):
            (sequence / f"{i + 1:08d}.jpg").write_bytes(data + k.to_bytes(4, "little") + i.to_bytes(4, "little"))


if __name__ == "__main__":
    main()
