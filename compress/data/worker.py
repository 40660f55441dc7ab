"""`python -m compress.data.worker`: makes batches of training pairs for the process that has started it.

A process of its own rather than `multiprocessing`: that imports the caller's script again, which a script without a
`__main__` guard does not survive. Batches come through the worker's stdout, so that none runs ahead by more than one.
"""

from __future__ import annotations

import io
import itertools
import json
import os
import subprocess
import sys
from collections.abc import Generator, Iterator, Sequence
from dataclasses import asdict, dataclass
from importlib import import_module
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from compress.core import CompressError
from compress.core.scratch import scratch_folder
from compress.core.worker_environment import worker_environment
from compress.data.mixture import modules_of
from compress.data.opening import DataReference
from compress.data.pair_row import PairRow
from compress.data.pairs import FRAME_SAMPLERS, Pairs, PairSizes
from compress.data.sources import DataSource

_LENGTH = 8
"""Bytes that say how long the batch after them is."""


def make_pairs(
    source: DataSource, seed: int, counts: Sequence[int], *, workers: int, sizes: PairSizes
) -> Iterator[Pairs]:
    """Batch `i` of `counts[i]` pairs, in order; the same for any number of workers.

    Args:
        workers: Processes that make them; 0 for this one.
        sizes: Of the crops, with the recipe of how they are drawn.

    Raises:
        CompressError: a worker failed; the last line that it printed is in the message.
        UsageError, FileError: of the source, where there is no worker.
    """
    return _batches(source, seed, _Numbers(0, list(counts)), workers, sizes)


def stream_pairs(
    source: DataSource, seed: int, count: int, *, workers: int, sizes: PairSizes, start: int = 0, every: int = 1
) -> Generator[Pairs, None, None]:
    """Batches `start`, `start + every`, … of `count` pairs, without end; see `make_pairs`.

    Close the iterator to end the workers.
    """
    return _batches(source, seed, _Numbers(start, count, every), workers, sizes)


def stream_row(
    source: DataSource, seed: int, count: int, part: slice, *, workers: int, sizes: PairSizes, start: int = 0
) -> Generator[Pairs, None, None]:
    """The `part` of each batch of `count` pairs out of a `PairRow`, from batch `start` on; else as `stream_pairs`."""
    return _batches(source, seed, _Numbers(start, count, part=(part.start, part.stop)), workers, sizes)


@dataclass(frozen=True)
class _Numbers:
    """Which batches are wanted: from `start` on, `counts` pairs each, without end where that is one number.

    Attributes:
        part: From where to where of each batch, these being cut out of a row; None for the source's own batches, whole.
    """

    start: int
    counts: list[int] | int
    every: int = 1
    part: tuple[int, int] | None = None

    def drawn(
        self, source: DataSource, seed: int, sizes: PairSizes, first: int = 0, step: int = 1
    ) -> Generator[Pairs, None, None]:
        """The batches of one of `step` workers."""
        row = PairRow(source, seed, sizes)
        for index, count in self.of_worker(first, step):
            if self.part is None:
                yield source.pairs(seed, index, count, sizes)
            else:
                yield row.pairs(index * count + self.part[0], index * count + self.part[1])

    def of_worker(self, first: int, step: int) -> Iterator[tuple[int, int]]:
        """Batch numbers and counts of one of `step` workers."""
        for index in itertools.count(self.start + first * self.every, step * self.every):
            if isinstance(self.counts, int):
                yield index, self.counts
            elif index < len(self.counts):
                yield index, self.counts[index]
            else:
                return


def _batches(
    source: DataSource, seed: int, numbers: _Numbers, workers: int, sizes: PairSizes
) -> Generator[Pairs, None, None]:
    modules = [*modules_of(source), FRAME_SAMPLERS[sizes.recipe.sampler].__module__]
    if workers == 0 or "__main__" in modules:  # another process cannot import what a script registers
        yield from numbers.drawn(source, seed, sizes)
        return
    job = {"source": asdict(DataReference(source.name, "", ",".join(modules))), "seed": seed, "modules": modules}
    job |= {"numbers": asdict(numbers), "sizes": asdict(sizes), "step": workers}
    with scratch_folder() as folder:
        processes: list[_Process] = []
        try:
            for k in range(workers):
                processes.append(_Process({**job, "first": k}, folder / str(k)))
            for index, _ in enumerate(numbers.of_worker(0, 1)):
                yield processes[index % workers].read()
        finally:
            for process in processes:
                process.stop()


class _Process:
    """A worker, and the file of its stderr."""

    def __init__(self, job: dict[str, Any], stderr_file: Path) -> None:
        command = [sys.executable, "-m", "compress.data.worker"]
        self._stderr_file = stderr_file
        with stderr_file.open("wb") as stderr:
            # A session of its own: Ctrl-C on a terminal goes to all processes there, but this one says when to end.
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=stderr,
                env=worker_environment(),
                start_new_session=True,
            )
        assert self._process.stdin is not None
        with self._process.stdin as stdin:
            stdin.write(json.dumps(job).encode())

    def read(self) -> Pairs:
        """The next batch.

        Raises:
            CompressError: the worker ended before it.
        """
        assert self._process.stdout is not None
        head = self._process.stdout.read(_LENGTH)
        size = int.from_bytes(head, "little")
        data = self._process.stdout.read(size) if len(head) == _LENGTH else b""
        if not data or len(data) < size:
            self.stop()
            lines = self._stderr_file.read_text(encoding="utf-8", errors="replace").strip().splitlines()
            raise CompressError(f"Making training pairs failed: {lines[-1] if lines else 'no message'}")
        with np.load(io.BytesIO(data), allow_pickle=False) as found:
            return Pairs(**dict(found))

    def stop(self) -> None:
        """Kill the process and release its pipe."""
        self._process.kill()
        self._process.wait()
        if self._process.stdout is not None:
            self._process.stdout.close()


def _work(job: dict[str, Any], out: BinaryIO) -> None:
    import cv2

    cv2.setNumThreads(1)
    for module in job["modules"]:
        import_module(module)
    source, sizes = DataReference(**job["source"]).open(check=False), PairSizes.from_dict(job["sizes"])
    for pairs in _Numbers(**job["numbers"]).drawn(source, job["seed"], sizes, job["first"], job["step"]):
        batch = io.BytesIO()
        np.savez(batch, **pairs.arrays())
        out.write(batch.tell().to_bytes(_LENGTH, "little") + batch.getvalue())
        out.flush()


if __name__ == "__main__":
    batches = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # whatever is printed must not mix with the batches
    try:
        _work(json.load(sys.stdin), batches)
    except CompressError as error:
        sys.exit(str(error))
