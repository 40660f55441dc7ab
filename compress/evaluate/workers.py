"""Sequences followed by several processes at once."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections import deque
from collections.abc import Callable, Iterator
from collections.abc import Sequence as Items
from contextlib import ExitStack
from multiprocessing import Pipe
from multiprocessing.connection import wait
from signal import SIGKILL, Signals
from typing import IO, Any

from compress.core import CompressError, Registry, warn
from compress.core.scratch import scratch_folder
from compress.core.worker_environment import worker_environment
from compress.data import DataReference, DataSource
from compress.data.mixture import modules_of
from compress.evaluate.following import Run
from compress.evaluate.trackers import EvaluatedTracker
from compress.evaluate.worker import Job


def follow_in_processes(
    tracker: EvaluatedTracker,
    source: DataSource,
    positions: Items[int],
    *,
    workers: int,
    batch: int,
    step: Callable[[int], None],
) -> Iterator[tuple[int, Run]]:
    """Follow the object of some test sequences of a source, as `follow` does.

    Args:
        positions: Which; they are begun in this order, so the longest should come first.
        batch: Sequences that each process follows at once.
        step: Called with the number of frames that were done since it was called before.

    Yields:
        The position of a sequence and its run, as each ends. Close the iterator to end the processes.

    Raises:
        CompressError: what a process raised; or it was lost.
    """
    left, data = deque(positions), DataReference(source.name, "", ",".join(modules_of(source)))
    modules, warned = _importable(), set[str]()
    with ExitStack() as stack:
        folder = stack.enter_context(scratch_folder())
        running: dict[Any, _Process] = {}
        for k in range(min(workers, len(left))):
            job = Job(tracker.stored(folder, k), data, batch, workers)
            process = _Process(job, tracker.threads, modules)
            stack.callback(process.stop)
            running[process.connection] = process
        while running:
            for connection in wait(list(running)):
                kind, *values = running[connection].receive()
                if kind == "ended":
                    yield values[0], values[1]
                elif kind == "frames":
                    step(values[0])
                elif kind == "warned":
                    if values[0] not in warned:  # what one finds about the tracker, each of them does
                        warned.add(values[0])
                        warn(values[0])
                elif kind == "raised":
                    raise values[0]
                elif left:
                    share = min(batch, -(-len(left) // workers))
                    running[connection].send([left.popleft() for _ in range(share)])
                else:
                    running.pop(connection).stop()


def _importable() -> list[str]:
    """Modules outside of this package that have registered something, which workers have to import too."""
    modules = Registry.outside_modules()
    if "__main__" in modules:
        raise CompressError(
            "The script that evaluates registers something itself, which worker processes would not know. Move that "
            "into a module that the script imports, or use one worker."
        )
    return modules


class _Process:
    """A worker."""

    def __init__(self, job: Job, threads: int, modules: list[str]) -> None:
        self.connection, theirs = Pipe()
        self._stderr: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115 - closed in `stop`
        with theirs:
            # A session of its own: Ctrl-C on a terminal goes to all processes there, but this one says when to end.
            self._process = subprocess.Popen(
                [sys.executable, "-m", "compress.evaluate.worker", str(theirs.fileno()), *modules],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=self._stderr,
                env=worker_environment(threads),
                pass_fds=[theirs.fileno()],
                start_new_session=True,
            )
        self.send(job)

    def send(self, value: Any) -> None:
        """Hand over a job, or positions; one that has ended takes none, and `receive` says so."""
        try:
            self.connection.send(value)
        except ConnectionError:
            return

    def receive(self) -> tuple[Any, ...]:
        """What it sends next; see `worker.work`.

        Raises:
            CompressError: it has ended.
        """
        try:
            return tuple(self.connection.recv())
        except (EOFError, ConnectionError):
            raise CompressError(f"A worker process was lost: {self._ending()}. What had ended is kept.") from None

    def stop(self) -> None:
        """End it at once: it has nothing to save."""
        self._process.kill()
        self._process.wait()
        self.connection.close()
        self._stderr.close()

    def _ending(self) -> str:
        status = self._process.wait()
        if status == -SIGKILL:
            return "it was killed, as happens where memory runs out; give fewer --workers"
        if status < 0:
            return f"it was killed by {Signals(-status).name}"
        self._stderr.seek(max(0, self._stderr.seek(0, os.SEEK_END) - 4000))
        lines = self._stderr.read().decode("utf-8", "replace").strip().splitlines()
        return lines[-1] if lines else f"it ended with exit code {status}"
