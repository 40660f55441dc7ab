"""Indexes of sources, made once by several processes and kept as long as nothing says that the data has changed.

What is compared for that is cheap: names, sizes and times of annotation files and of folders of images. A folder's
time says that a frame came or went, not that one was edited in place; see `RecordedSource.fingerprint` for those.
"""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterable
from collections.abc import Sequence as Items
from pathlib import Path
from typing import Any, Protocol

from compress.core import CompressError, Registry, Store, fingerprint, warn
from compress.core.scratch import scratch_folder
from compress.core.threads import usable_cores
from compress.core.worker_environment import worker_environment
from compress.data.file_fingerprints import RECENT_NS
from compress.data.index import SequenceIndex
from compress.data.index_file import read_index, write_index
from compress.data.index_rows import IndexRows, joined
from compress.data.recorded_sequence import SequenceFiles
from compress.data.sequence import Sequence

_VERSION = 3
"""Counts up with what is in an index, and with how the readers that ship list and read sequences."""
_FEW = 300
"""Sequences that this process indexes sooner than others have started."""
MANY = 1000
"""A source of more sequences is known by its index, so that not every frame is looked at whenever it is opened."""
_SAMPLED = 10_000
"""Frames whose content is part of the digest of a source of very many, evenly over its sequences."""
_LOOKED_AT = 50_000
"""First frames that are looked at, evenly where there are more; objects in images are many, and need it less."""


class Indexable(Protocol):
    """What of a recorded source its index is made from; see `RecordedSource` for each."""

    @property
    def name(self) -> str: ...

    @property
    def files(self) -> Items[SequenceFiles]: ...

    def opened(self, files: SequenceFiles, /) -> Sequence: ...

    def watched(self) -> Iterable[Path | str]: ...


def source_index(source: Indexable, workers: int | None = None) -> SequenceIndex:
    """The kept index of a source; made now where there is none, or where its files are too new to tell.

    Args:
        workers: Processes that make it; 0 for this one, None for as many as there are cores where that saves time.

    Raises:
        FileError: the sequences cannot be listed. What is wrong with one of them is noted in the index instead.
        CompressError: a worker failed.
    """
    now = time.time_ns()
    digest, latest = _state(source.watched())
    if latest > now - RECENT_NS:
        return _made(source, workers)
    key = fingerprint([_VERSION, source.name, digest])
    return Store().get(
        "indexes",
        key,
        read=read_index,
        make=lambda path: write_index(_made(source, workers), path),
        suffix=".safetensors",
    )


def _state(paths: Iterable[Path | str]) -> tuple[str, int]:
    """Digest of what the file system says of files and folders, and the latest of their times in nanoseconds."""
    digest, latest = hashlib.sha256(), 0
    for path in paths:
        text = os.fspath(path)
        try:
            found = os.stat(text)
        except OSError:
            digest.update(f"{text} missing\n".encode(errors="surrogateescape"))
            continue
        written, changed = found.st_mtime_ns, found.st_ctime_ns
        latest = max(latest, written, changed)
        line = f"{text} {found.st_size} {written} {changed} {found.st_dev} {found.st_ino}\n"
        digest.update(line.encode(errors="surrogateescape"))
    return digest.hexdigest(), latest


def _made(source: Indexable, workers: int | None) -> SequenceIndex:
    count = len(source.files)
    inline = workers == 0 or count < 2 or source.files[0].boxes or "__main__" in Registry.outside_modules()
    if workers is None:
        workers = usable_cores() if count >= _FEW else 0
    if inline or workers < 2:
        return part_of_index(source, 0, count)
    return _made_by(source, min(workers, count), count)


def part_of_index(source: Indexable, first: int, stop: int) -> SequenceIndex:
    """The index of sequences `first` to `stop` - 1, made by this process."""
    rows, count = IndexRows(), len(source.files)
    for number in range(first, stop):
        samples = _share(number, count, _SAMPLED) if count > MANY else 0
        rows.add(source.files[number], source.opened, samples=samples, look=_share(number, count, _LOOKED_AT) > 0)
    return rows.index()


def _share(number: int, count: int, total: int) -> int:
    """Of `total` things spread evenly over `count` sequences, how many belong to one of them; the first has one."""
    return (-(-total * (number + 1) // count)) - (-(-total * number // count))


def _made_by(source: Indexable, workers: int, count: int) -> SequenceIndex:
    bounds = [count * k // workers for k in range(workers + 1)]
    with scratch_folder() as folder:
        jobs: list[dict[str, Any]] = [
            {"source": source.name, "module": type(source).__module__, "first": first, "stop": stop,
             "path": str(folder / f"{first}")}
            for first, stop in zip(bounds, bounds[1:], strict=False)
        ]  # fmt: skip
        processes = []
        try:
            for job in jobs:
                processes.append(_started(job))
            for process in processes:
                _await(process)
        finally:
            for process in processes:
                _end(process)
        parts = [read_index(Path(job["path"])) for job in jobs]
        for text in dict.fromkeys(text for job in jobs for text in _warned(Path(job["path"]))):
            warn(text)
        if any(part is None for part in parts):
            raise CompressError("What a process has indexed cannot be read. Look at the disk of temporary files.")
        return joined([part for part in parts if part is not None])


def keep_warned(path: Path, texts: list[str]) -> None:
    """Write down, beside a part of an index, what to warn of."""
    Path(f"{path}.warnings").write_text(json.dumps(texts), encoding="utf-8")


def _warned(path: Path) -> list[str]:
    found: list[str] = json.loads(Path(f"{path}.warnings").read_text(encoding="utf-8"))
    return found


def _started(job: dict[str, Any]) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "compress.data.index_worker", json.dumps(job)]
    return subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, env=worker_environment(),
        start_new_session=True,
    )  # fmt: skip


def _end(process: subprocess.Popen[bytes]) -> None:
    process.kill()
    process.wait()
    if process.stderr is not None:
        process.stderr.close()


def _await(process: subprocess.Popen[bytes]) -> None:
    _, said = process.communicate()
    if process.returncode:
        lines = said.decode(errors="replace").strip().splitlines()
        raise CompressError(f"Indexing the data failed: {lines[-1] if lines else 'no message'}")
