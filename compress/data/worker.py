"""`python -m compress.data.worker`: makes batches of training pairs in a folder, for a process that waits for them.

A process of its own rather than `multiprocessing`: that imports the caller's script again, which a script without a
`__main__` guard does not survive.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from compress.core import CompressError
from compress.data.folder import read_folder
from compress.data.generated import Pairs, load_images, sample_pairs
from compress.data.recorded import recorded_pairs


def make_pairs(
    source: str, seed: int, counts: list[int], *, workers: int, images: str = "", **sizes: float
) -> Iterator[Pairs]:
    """Batch `i` of `counts[i]` pairs, in order, made by `workers` processes; the same for any number of them.

    Args:
        source: `generated`, or `folder:PATH` of sequences in GOT-10k layout.
        images: Folder of images for generated texture; empty for none.
        sizes: `template_size`, `search_size` in pixels, `template_factor`, `search_factor`.

    Raises:
        CompressError: a worker failed; its last words are in the message.
    """
    with tempfile.TemporaryDirectory() as folder:
        shared = {"folder": folder, "source": source, "seed": seed, "counts": counts, "images": images, "sizes": sizes}
        processes = [_start({**shared, "first": k, "step": workers}) for k in range(workers)]
        try:
            for index in range(len(counts)):
                yield _wait(Path(folder) / f"{index}.npz", processes[index % workers])
        finally:
            for process in processes:
                process.kill()
                process.communicate()


def _start(job: dict[str, Any]) -> subprocess.Popen[str]:
    root = str(Path(__file__).resolve().parents[2])
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([root, os.environ.get("PYTHONPATH", "")])}
    command = [sys.executable, "-m", "compress.data.worker"]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment)
    assert process.stdin is not None
    process.stdin.write(json.dumps(job))
    process.stdin.close()
    process.stdin = None
    return process


def _wait(path: Path, process: subprocess.Popen[str]) -> Pairs:
    while not path.exists():
        if process.poll() is not None and not path.exists():
            words = (process.stderr.read() if process.stderr else "").strip().splitlines()
            raise CompressError(f"Making training pairs failed: {words[-1] if words else 'no message'}")
        time.sleep(0.02)
    with np.load(path, allow_pickle=False) as data:
        pairs = Pairs(**{name: data[name] for name in ("template", "search", "boxes", "scenes")})
    path.unlink()
    return pairs


def _sampler(job: dict[str, Any]) -> Callable[[int, int], Pairs]:
    seed, sizes = job["seed"], job["sizes"]
    if job["source"] == "generated":
        images = load_images(Path(job["images"])) if job["images"] else ()
        return lambda index, count: sample_pairs(seed, index, count, images=images, **sizes)
    sequences = read_folder(job["source"].removeprefix("folder:"))
    return lambda index, count: recorded_pairs(sequences, seed, index, count, **sizes)


def _work(job: dict[str, Any]) -> None:
    import cv2

    cv2.setNumThreads(1)
    sample, folder = _sampler(job), Path(job["folder"])
    for index in range(job["first"], len(job["counts"]), job["step"]):
        partial = folder / f"{index}.partial.npz"
        np.savez(partial, **vars(sample(index, job["counts"][index])))
        partial.rename(folder / f"{index}.npz")


if __name__ == "__main__":
    try:
        _work(json.load(sys.stdin))
    except CompressError as error:
        sys.exit(str(error))
