"""A PostgreSQL server of a test's own, in a folder, which ends with it."""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

PASSWORD = "s3cret word"


@dataclass(frozen=True)
class Server:
    """A server that runs; any user may connect by the password `PASSWORD`."""

    folder: Path
    programs: Path
    port: int

    def url(self, password: str | None = PASSWORD, *, database: str = "postgres") -> str:
        """The URL of one of its databases."""
        from sqlalchemy.engine import URL

        found = URL.create("postgresql", "tester", password, "127.0.0.1", self.port, database)
        return found.render_as_string(hide_password=False)

    def start(self) -> None:
        """Start it."""
        options = f"-p {self.port} -c listen_addresses=127.0.0.1 -k {self.folder} -c fsync=off"
        self._control("start", "-w", "-l", str(self.folder / "log"), "-o", options)

    def stop(self) -> None:
        """Stop it, whoever is connected."""
        self._control("stop", "-w", "-m", "immediate")

    def _control(self, *words: str) -> None:
        _run([self.programs / "pg_ctl", "-D", self.folder / "data", *words], self.folder)


def server_programs() -> Path | None:
    """The folder of PostgreSQL's server programs; None where they are not installed."""
    found = shutil.which("initdb")
    debian = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), reverse=True)
    return debian[0].parent if debian else Path(found).resolve().parent if found else None


@contextmanager
def server(programs: Path) -> Iterator[Server]:
    """A server with its data in a temporary folder; of no other user's, as pytest's are."""
    with TemporaryDirectory(prefix="postgresql-") as name, _running(Path(name), programs) as found:
        yield found


@contextmanager
def _running(folder: Path, programs: Path) -> Iterator[Server]:
    user = _user()
    if user is not None:
        os.chown(folder, user.pw_uid, user.pw_gid)
    (folder / "password").write_text(PASSWORD + "\n")
    (folder / "password").chmod(0o644)
    made: list[str | Path] = [
        "-D",
        folder / "data",
        "-U",
        "tester",
        "-A",
        "scram-sha-256",
        "--pwfile",
        folder / "password",
    ]
    _run([programs / "initdb", *made, "--no-sync"], folder)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        found = Server(folder, programs, free.getsockname()[1])
    found.start()
    try:
        yield found
    finally:
        if (folder / "data" / "postmaster.pid").exists():
            found.stop()


def _user() -> pwd.struct_passwd | None:
    """Whom to run it as: it refuses to be run by root."""
    return pwd.getpwnam("nobody") if os.geteuid() == 0 else None


def _run(words: Sequence[str | Path], folder: Path) -> None:
    user = _user()
    with (folder / "errors").open("w+") as errors:
        done = subprocess.run(
            [str(word) for word in words],
            cwd=folder,
            user=user.pw_uid if user else None,
            group=user.pw_gid if user else None,
            extra_groups=[] if user else None,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=errors,
            check=False,
        )
        errors.seek(0)
        assert done.returncode == 0, errors.read()
