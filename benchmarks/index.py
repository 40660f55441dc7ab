"""How long it takes to index very many sequences, the first time and again, and what memory that and pairs take.

    python benchmarks/index.py --sequences 10000 --frames 150 --csv results/index.csv

Writes GOT-10k's layout to a temporary folder: JPEG frames of 640x480, of which there are a few, linked under all
names, and a box and two labels for each frame. `compress data` runs on it twice, each time as a process of its own;
then another process opens the source, which alone takes `opened_cpu_s` of it, and one draws pairs. Files have just
been written, so they come from the page cache; a disk that has to be read adds, for each sequence, the listing of a
folder, three small files and one frame. The first time begins `--settled` seconds after the files were written, since
what was written just now is not kept. `_s` is seconds on the clock, `_cpu_s` those of the processors, of all
processes together; where `load`, the processes that ran or waited for a core when it began, is above 0, the clock
says how busy the machine was.
"""

from __future__ import annotations

import argparse
import csv
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np

from compress.core.threads import usable_cores
from compress.data.generated import generated_sequences

_LINKS = 30_000
"""Names that a file gets; ext4 takes 65,000."""
_DRAW = """
import sys
from compress.data import PairSizes, open_source
source = open_source(sys.argv[1])
for index in range(int(sys.argv[2])):
    source.pairs(0, index, 8, PairSizes(128, 256))
"""
_OPEN = """
import sys, time
from compress.data import open_source
begin = time.process_time()
assert len(open_source(sys.argv[1]).index)
print(time.process_time() - begin)
"""


class Run(NamedTuple):
    """Of a process and those that it started."""

    seconds: float
    processor: float
    peak_mb: float


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sequences", type=int, default=10_000)
    parser.add_argument("--frames", type=int, default=150)
    parser.add_argument("--workers", type=int, default=usable_cores())
    parser.add_argument("--batches", type=int, default=50, help="Of 8 pairs.")
    parser.add_argument("--settled", type=float, default=4.0)
    parser.add_argument("--folder", type=Path, help="Where the temporary folder is made.")
    parser.add_argument("--csv", type=Path, help="A row is added to it.")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=options.folder) as name:
        os.environ["COMPRESS_HOME"] = str(Path(name) / "home")
        _write(Path(name) / "data", options.sequences, options.frames)
        time.sleep(options.settled)
        load = os.getloadavg()[0]
        source = f"got10k:{name}/data:train"
        command = ["-m", "compress", "data", source, "--json", "--strict", "--workers", str(options.workers)]
        first, again = _run(*command), _run(*command)
        opened = subprocess.check_output([sys.executable, "-c", _OPEN, source], text=True)
        pairs = _run("-c", _DRAW, source, str(options.batches))
        kept = sum(path.stat().st_size for path in (Path(name) / "home" / "indexes").glob("*.safetensors"))
    row = {"sequences": options.sequences, "frames_each": options.frames, "workers": options.workers}
    row |= {
        "load": round(load, 1),
        "cores": usable_cores(),
        "first_s": round(first.seconds, 2),
        "first_cpu_s": round(first.processor, 2),
    }
    row |= {"again_s": round(again.seconds, 2), "again_cpu_s": round(again.processor, 2)}
    row["opened_cpu_s"] = round(float(opened), 2)
    row |= {
        "index_mb": round(kept / 1e6, 1),
        "first_peak_mb": round(first.peak_mb),
        "again_peak_mb": round(again.peak_mb),
    }
    row |= {"pairs": 8 * options.batches, "pairs_s": round(pairs.seconds, 2)}
    row |= {"pairs_cpu_s": round(pairs.processor, 2), "pairs_peak_mb": round(pairs.peak_mb)}
    for key, value in row.items():
        print(f"{key:14} {value}")
    if options.csv is not None:
        _add(options.csv, row)


def _run(*words: str) -> Run:
    begin = time.perf_counter()
    process = subprocess.Popen([sys.executable, *words], stdout=subprocess.DEVNULL)
    _, status, used = os.wait4(process.pid, 0)
    if status:
        sys.exit(f"ended with {os.waitstatus_to_exitcode(status)}: {' '.join(words[:4])}")
    return Run(time.perf_counter() - begin, used.ru_utime + used.ru_stime, used.ru_maxrss * 1024 / 1e6)


def _write(folder: Path, sequences: int, frames: int) -> None:
    frame = cv2.resize(generated_sequences(per_difficulty=1, length=1)[0].frame(0), (640, 480))
    data = np.asarray(cv2.imencode(".jpg", frame)[1]).tobytes()
    boxes = "".join(f"{100 + 0.5 * i:.4f},{120 + 0.25 * i:.4f},60.0000,80.0000\n" for i in range(frames))
    names, links = [], 0
    original = folder / "frame.jpg"
    for k in range(sequences):
        sequence = folder / "train" / f"GOT-10k_Train_{k + 1:06d}"
        sequence.mkdir(parents=True)
        names.append(sequence.name)
        (sequence / "groundtruth.txt").write_text(boxes)
        (sequence / "absence.label").write_text("0\n" * frames)
        (sequence / "cover.label").write_text("8\n" * frames)
        for i in range(frames):
            if links % _LINKS == 0:
                original = folder / f"frame{links}.jpg"
                original.write_bytes(data)
            os.link(original, sequence / f"{i + 1:08d}.jpg")
            links += 1
    (folder / "train" / "list.txt").write_text("\n".join(names) + "\n")


def _add(path: Path, row: dict[str, float]) -> None:
    new = not path.exists()
    with path.open("a", newline="") as file:
        writer = csv.DictWriter(file, list(row))
        if new:
            writer.writeheader()
        writer.writerow(row)


if __name__ == "__main__":
    main()
