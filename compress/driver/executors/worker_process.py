"""The search's side of worker processes: the server that forks them, and a handle of each."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from multiprocessing import Pipe
from multiprocessing.connection import Connection
from multiprocessing.reduction import send_handle
from typing import Any

from compress.core import CompressError, Registry
from compress.core.worker_environment import worker_environment
from compress.driver.executors.resources import WorkerShare


def importable_modules() -> list[str]:
    """Modules outside of this package that have registered something, which workers have to import too.

    Raises:
        CompressError: the script itself has, which no other process imports.
    """
    modules = Registry.outside_modules()
    if "__main__" in modules:
        raise CompressError(
            "The script that runs this search registers something itself, which worker processes would not know. "
            "Move that into a module that the script imports, or use --executor inline."
        )
    return modules


class WorkerServer:
    """The process that worker processes are forked from; see `worker_server`.

    Raises:
        CompressError: as `importable_modules`.
    """

    def __init__(self) -> None:
        modules = importable_modules()
        self._control, theirs = Pipe()
        self._stderr = tempfile.TemporaryFile()  # noqa: SIM115 - closed in `close`
        with theirs:
            # A session of its own: Ctrl-C on a terminal goes to all processes there, but the search says when to end.
            self._process = subprocess.Popen(
                [sys.executable, "-m", "compress.driver.executors.worker_server", str(theirs.fileno()), *modules],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=self._stderr,
                env=worker_environment() | _one_thread(),
                pass_fds=[theirs.fileno()],
                start_new_session=True,
            )

    @property
    def alive(self) -> bool:
        """Whether it runs."""
        return self._process.poll() is None

    def fork(self, share: WorkerShare) -> WorkerProcess:
        """Ask for a worker; it reports when it is ready. Raises `OSError` where the server has ended."""
        mine, theirs = Pipe()
        with theirs:
            self._control.send(("fork", share, {**os.environ, **share.environment}))
            send_handle(self._control, theirs.fileno(), self._process.pid)
        return WorkerProcess(mine, self)

    def status(self, pid: int) -> int | None:
        """Exit status of a worker that has ended, as `os.waitpid` gives it; None where the server has ended too."""
        with suppress(EOFError, OSError):
            self._control.send(("ended", pid))
            return self._control.recv()
        return None

    def last_line(self) -> str:
        """The last thing that it or a worker wrote to stderr."""
        if self._stderr.closed:
            return "no message"
        size = self._stderr.seek(0, os.SEEK_END)
        self._stderr.seek(max(0, size - 4000))
        lines = self._stderr.read().decode("utf-8", "replace").strip().splitlines()
        return lines[-1] if lines else "no message"

    def close(self) -> None:
        """End it; the workers are to be ended before."""
        self._control.close()
        self._process.wait()
        self._stderr.close()


_kept: list[WorkerServer] = []
"""The server that this process uses, by those who use it; see `server`."""


def acquire_server() -> WorkerServer:
    """The server of this process, started where there is none; give it back by `release_server`."""
    running = next((each for each in _kept if each.alive), None)
    _kept.append(running or WorkerServer())
    return _kept[-1]


def release_server(found: WorkerServer) -> None:
    """End the server unless others use it."""
    _kept.remove(found)
    if found not in _kept:
        found.close()


@contextmanager
def kept_server() -> Iterator[None]:
    """Within, executors that are made one after the other use one server, which is not started anew for each."""
    found = acquire_server()
    try:
        yield
    finally:
        release_server(found)


@dataclass
class WorkerProcess:
    """A worker as the search sees it.

    Attributes:
        connection: Gives what the worker sends, see `worker_server.work`, and ends when it does.
        pid: None until it is ready.
    """

    connection: Connection
    server: WorkerServer
    pid: int | None = None

    def send(self, job: Any) -> None:
        """Give it a job. A worker that has ended takes none; its connection says so."""
        with suppress(OSError):
            self.connection.send(job)

    def signal(self, number: signal.Signals) -> None:
        """Send a signal, where it is ready. The server reaps it only after `ending`, so that its number is its own."""
        if self.pid is not None:
            with suppress(ProcessLookupError):
                os.kill(self.pid, number)

    def ending(self) -> str:
        """How the worker ended, in words; once, after its connection did."""
        self.connection.close()
        status = None if self.pid is None else self.server.status(self.pid)
        if status is None:
            return f"it ended with the server that it was forked from: {self.server.last_line()}"
        if os.WIFSIGNALED(status):
            number = os.WTERMSIG(status)
            why = ", as happens where memory runs out" if number == signal.SIGKILL else ""
            return f"it was killed by {signal.Signals(number).name}{why}"
        return f"it ended with exit code {os.WEXITSTATUS(status)}: {self.server.last_line()}"


def _one_thread() -> dict[str, str]:
    """Of the server, which forks: a library that has started threads could not be used by its children."""
    return WorkerShare(1).environment
