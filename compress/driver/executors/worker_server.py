"""`python -m compress.driver.executors.worker_server`: forks worker processes for the search that has started it.

PyTorch is loaded once, here, and the workers that are forked share its memory and start at once. A program of its own
rather than `multiprocessing`: that imports the caller's script again, which a script without a `__main__` guard does
not survive. Nothing here outlives the search: a worker whose search is gone, however it ended, saves the state of its
training and leaves.
"""

from __future__ import annotations

import gc
import os
import signal
import sys
import traceback
from contextlib import suppress
from importlib import import_module
from multiprocessing.connection import Connection
from multiprocessing.reduction import recv_handle
from queue import SimpleQueue
from threading import Thread, main_thread
from time import monotonic, sleep
from typing import Any, NoReturn

from compress.core.interrupts import Terminated, raise_when_terminated
from compress.core.progress import Progress

GRACE_S = 30.0
"""Seconds that a worker has to end after SIGTERM: a training finishes its step and saves its state."""

_LOADED = ("compress.driver.worker", "compress.distill", "cv2", "torch._dynamo")
"""What every job needs; the last is what the first optimiser loads."""

_REPORT_S = 0.2
"""Between two reports of progress that carry no figures."""


def serve(control: Connection, modules: list[str]) -> None:
    """Fork a worker for each request, until the search closes `control`.

    Requests are `("fork", share, environment)`, followed by the worker's end of its connection, and `("ended", pid)`,
    answered by the exit status as `os.waitpid` gives it.

    Args:
        modules: Outside of this package that have registered something.
    """
    for name in (*_LOADED, *modules):
        with suppress(Exception):  # a job that needs it says so
            import_module(name)
    gc.freeze()
    with suppress(EOFError, ConnectionError):
        while True:
            what, *details = control.recv()
            if what == "ended":
                control.send(os.waitpid(details[0], 0)[1])
            else:
                _fork(control, *details)
    with suppress(ChildProcessError):
        while True:
            os.wait()  # they see for themselves that the search has gone


def _fork(control: Connection, share: Any, environment: dict[str, str]) -> None:
    connection = Connection(recv_handle(control))
    if os.fork():
        connection.close()
        return
    code = 1
    try:
        control.close()
        os.environ.clear()
        os.environ.update(environment)
        share.apply()
        code = work(connection)
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stderr.flush()
        os._exit(code)  # nothing of the server's is to be cleaned here


def work(connection: Connection) -> int:
    """Run jobs until the search closes the connection; the exit code.

    Sends `("ready", pid)`, then for each job `("progress", text, share, figures)` as often as there is any, and at its
    end `("result", TrialResult)` or `("raised", error)`.
    """
    raise_when_terminated()
    jobs: SimpleQueue[Any] = SimpleQueue()
    Thread(target=_receive, args=(connection, jobs), daemon=True).start()
    try:
        connection.send(("ready", os.getpid()))
        while True:
            job, most_s = jobs.get()
            connection.send(_answer(job, _Reports(connection), most_s))
    except (Terminated, ConnectionError):
        return 0


def _answer(job: Any, progress: Progress, most_s: float | None) -> tuple[str, Any]:
    from compress.driver.worker import run_job

    try:
        return "result", run_job(job, progress, most_s=most_s)
    except Exception as error:
        return "raised", picklable(error)


def _receive(connection: Connection, jobs: SimpleQueue[Any]) -> NoReturn:
    """Take jobs; where the search has gone, end this process as SIGTERM would, and at the latest after `GRACE_S`."""
    with suppress(EOFError, OSError):
        while True:
            jobs.put(connection.recv())
    signal.pthread_kill(main_thread().ident or 0, signal.SIGTERM)  # it may be waiting for a lock of the store
    sleep(GRACE_S)
    os._exit(1)


class _Reports:
    """A `Progress` that is sent to the search, but not more often than anyone reads it."""

    def __init__(self, connection: Connection) -> None:
        self._connection, self._next = connection, 0.0

    def __call__(self, text: str, share: float, figures: Any = None) -> None:
        if figures or monotonic() >= self._next:
            self._connection.send(("progress", text, share, figures))
            self._next = monotonic() + _REPORT_S


def picklable(error: Exception) -> Exception:
    """The error with the place where it was raised, or a description where it cannot be sent."""
    from multiprocessing.reduction import ForkingPickler

    from compress.core import CompressError

    if not isinstance(error, CompressError):
        error.add_note("".join(traceback.format_exception(error)))
    try:
        ForkingPickler.loads(ForkingPickler.dumps(error))
    except Exception:
        return RuntimeError(f"{type(error).__name__}: {error}")
    return error


if __name__ == "__main__":
    serve(Connection(int(sys.argv[1])), sys.argv[2:])
