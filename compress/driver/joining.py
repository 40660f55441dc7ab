"""Several searches on one run: who has which session, who goes on with that of one that died, and who is the last.

Each process has a session of its own, whose trials it asked for and brings to an end by its own strategy; all draw from
what all have found, and the front is over all. A session is held by a lock on its file in `.sessions/`, which goes with
the process however it ends, on other hosts too where the folder is shared. Whoever has ended its own session goes on
with one that nobody holds; whoever finds none and no other process writes the report.
"""

from __future__ import annotations

import os
import secrets
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from compress.archive import place_of
from compress.core import CompressError
from compress.core.locks import is_locked, locked
from compress.core.progress import Progress
from compress.core.text import printable
from compress.driver.session import KEY_DIGITS, open_sessions
from compress.driver.stored_trials import StoredTrials

_FOLDER = ".sessions"
_FIRST, _END = "first", "end"
"""Files for the session that has no name, since it was not joined, and for ending the run."""

_EVERY_S = 2.0


class JoinedSearch:
    """The part of one process in a search that several have joined.

    Args:
        held: Where the lock of its session is kept until the process ends its part.
    """

    def __init__(self, run_dir: Path, held: ExitStack) -> None:
        self._run_dir, self._folder, self._held = run_dir, run_dir / _FOLDER, held

    @contextmanager
    def turn(self) -> Iterator[None]:
        """One process at a time, for what is done once: beginning a run, sharing out sessions."""
        with locked(self._folder / "turn"):
            yield

    def begin(self, trials: StoredTrials) -> str:
        """A session that nobody holds, or a new one; this process holds it from now on.

        Raises:
            CompressError: another host has joined, and the study cannot be shared with it.
        """
        with self.turn():
            self._refuse_other_hosts()
            return self._abandoned(trials) or self._hold(secrets.token_hex(KEY_DIGITS // 2))

    def next(self, trials: StoredTrials, progress: Progress) -> str | None:
        """Once its own session has ended: another one whose process has died, or None where all have ended.

        Waits for the processes that are under way. Of those that wait, one after the other ends the run: what the
        first has measured and written the others find.
        """
        self._held.close()
        while True:
            with self.turn():
                if name := self._abandoned(trials):
                    return name
                if not any(is_locked(path) for path in self._folder.glob("*.lock")):
                    self._hold(_END)
                    return None
            progress("waiting for others that search here, too", 1.0)
            time.sleep(_EVERY_S)

    def _abandoned(self, trials: StoredTrials) -> str | None:
        """A session that nobody holds, now held by this process."""
        trials.refresh()
        free = (name for name in open_sessions(trials) if not is_locked(self._file(name)))
        return next((self._hold(name) for name in free), None)

    def _hold(self, name: str) -> str:
        path = self._file(name)
        self._held.enter_context(locked(path, wait=False))
        path.write_text(f"{socket.gethostname()} {os.getpid()}\n")
        return name

    def _file(self, name: str) -> Path:
        return self._folder / f"{name or _FIRST}.lock"

    def _refuse_other_hosts(self) -> None:
        """SQLite's locks do not hold between hosts.

        Raises:
            CompressError: another host searches, and the study is a file of SQLite.
        """
        if place_of(self._run_dir).url:
            return
        for path in self._folder.glob("*.lock"):
            host = path.read_text().partition(" ")[0]
            if host not in ("", socket.gethostname()) and is_locked(path):
                raise CompressError(
                    f"{self._run_dir} is searched by the host {printable(host, most=80)}, too, and its study is a file "
                    "of SQLite, which hosts cannot share. Begin the search with --storage: a database server, or a "
                    "journal file in the shared folder."
                )
