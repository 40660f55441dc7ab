"""`python -m compress.evaluate.worker`: follows sequences for the process that has started it, see `workers`.

A process of its own rather than `multiprocessing`: that imports the caller's script again, which a script without a
`__main__` guard does not survive.
"""

from __future__ import annotations

import sys
import warnings
from contextlib import suppress
from dataclasses import dataclass, replace
from importlib import import_module
from multiprocessing.connection import Connection
from time import monotonic
from typing import Any

from compress.core import CompressError
from compress.core.errors import CompressWarning
from compress.core.worker_environment import noted_warnings
from compress.data import DataReference
from compress.evaluate.following import can_batch, follow
from compress.evaluate.trackers import StoredTracker

_REPORT_S = 0.2
"""Between two reports of frames that are done."""


@dataclass(frozen=True)
class Job:
    """What a worker needs before it follows sequences.

    Attributes:
        data: Of the sequences, which are named by their positions in it.
        batch: Sequences that are followed at once, where the network can.
        workers: How many there are.
    """

    tracker: StoredTracker
    data: DataReference
    batch: int
    workers: int


def work(connection: Connection) -> None:
    """Receive a `Job`, then lists of positions, until the other side closes; what becomes of them is sent.

    Sends `("idle",)` whenever it waits for positions, `("frames", n)` as frames are done, `("ended", position, run)`
    for each sequence, `("warned", text)`, and `("raised", error)` once, where something is wrong.
    """
    job: Job = connection.recv()
    _one_thread_of_opencv()
    tracker = job.tracker.load()
    network, done = tracker.network(), _Done(connection)
    with noted_warnings():  # about the data, which the other side has opened, too
        sequences = job.data.open(check=False).sequences()
    batch = job.batch if can_batch(network) else 1
    while True:
        connection.send(("idle",))
        positions: list[int] = connection.recv()
        wanted = [sequences[each] for each in positions]
        for index, run in follow(network, tracker.settings, wanted, batch, done.step):
            done.send()
            run = replace(run, batch=min(batch, len(wanted)), workers=job.workers)
            connection.send(("ended", positions[index], run))


class _Done:
    """Frames that are done and not yet reported."""

    def __init__(self, connection: Connection) -> None:
        self._connection, self._frames, self._sent = connection, 0, 0.0

    def step(self) -> None:
        """One more. Raises BrokenPipeError where the other side has gone, so that nothing outlives it for long."""
        self._frames += 1
        if monotonic() >= self._sent + _REPORT_S:
            self.send()

    def send(self) -> None:
        """Report them now."""
        self._connection.send(("frames", self._frames))
        self._frames, self._sent = 0, monotonic()


def _one_thread_of_opencv() -> None:
    import cv2

    cv2.setNumThreads(1)


def _send_warnings(connection: Connection) -> None:
    """From now on what makes a result less reliable goes to the other side, which can show it."""

    def show(message: Any, category: type[Warning], *_: Any) -> None:
        if issubclass(category, CompressWarning):
            connection.send(("warned", str(message)))

    warnings.simplefilter("always", CompressWarning)
    warnings.showwarning = show  # type: ignore[assignment]


def _main(descriptor: int, modules: list[str]) -> None:
    with Connection(descriptor) as connection, suppress(EOFError, ConnectionError):
        _send_warnings(connection)
        for name in modules:
            with suppress(Exception):  # a job that needs it says so
                import_module(name)
        try:
            work(connection)
        except CompressError as error:
            connection.send(("raised", type(error)(str(error))))


if __name__ == "__main__":
    _main(int(sys.argv[1]), sys.argv[2:])
