"""`python -m compress.data.generated.worker`: draws batches of pairs into a folder, for a process that waits for them.

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
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from compress.core import CompressError
from compress.data.generated.pairs import Pairs, sample_pairs
from compress.data.generated.textures import load_images


def draw_batches(seed: int, counts: list[int], *, workers: int, images: str = "", **sizes: float) -> Iterator[Pairs]:
    """Batch `i` of `counts[i]` pairs of the stream `seed`, in order, drawn by `workers` processes.

    Args:
        images: Folder of images for texture; empty for none.
        sizes: Sizes and factors of `sample_pairs`.

    Raises:
        CompressError: a worker failed; its last words are in the message.
    """
    with tempfile.TemporaryDirectory() as folder:
        jobs = [{"folder": folder, "seed": seed, "counts": counts, "first": k, "step": workers} for k in range(workers)]
        command = [sys.executable, "-m", "compress.data.generated.worker"]
        root = str(Path(__file__).resolve().parents[3])
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join([root, os.environ.get("PYTHONPATH", "")])}
        processes = [
            subprocess.Popen(
                [*command, json.dumps({**job, "images": images, "sizes": sizes})],
                stderr=subprocess.PIPE,
                text=True,
                env=environment,
            )
            for job in jobs
        ]
        try:
            for index in range(len(counts)):
                yield _wait(Path(folder) / f"{index}.npz", processes[index % workers])
        finally:
            for process in processes:
                process.kill()
                process.communicate()


def _wait(path: Path, process: subprocess.Popen[str]) -> Pairs:
    while not path.exists():
        if process.poll() is not None and not path.exists():
            words = (process.stderr.read() if process.stderr else "").strip().splitlines()
            raise CompressError(f"Drawing training pairs failed: {words[-1] if words else 'no message'}.")
        time.sleep(0.02)
    with np.load(path, allow_pickle=False) as data:
        pairs = Pairs(**{name: data[name] for name in ("template", "search", "boxes", "scenes")})
    path.unlink()
    return pairs


def _work(job: dict[str, Any]) -> None:
    import cv2

    cv2.setNumThreads(1)
    images = load_images(Path(job["images"])) if job["images"] else ()
    folder = Path(job["folder"])
    for index in range(job["first"], len(job["counts"]), job["step"]):
        pairs = sample_pairs(job["seed"], index, job["counts"][index], images=images, **job["sizes"])
        partial = folder / f"{index}.partial.npz"
        np.savez(partial, **vars(pairs))
        partial.rename(folder / f"{index}.npz")


if __name__ == "__main__":
    _work(json.loads(sys.argv[1]))
