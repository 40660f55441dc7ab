"""The process of one mutant: in a folder of its own, its streams in files, every place that it opens to write noted."""

from __future__ import annotations

import atexit
import contextlib
import io
import os
import resource
import sys
import tempfile
import threading
import traceback
from pathlib import Path
from typing import Any, NoReturn

CRASH = 99
"""The exit code of what the command line let through."""

_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
_CHANGING = {
    "os.remove": 1, "os.rename": 2, "os.mkdir": 1, "os.rmdir": 1, "os.link": 2, "os.symlink": 2, "os.truncate": 1,
    "os.chmod": 1, "os.chown": 1, "sqlite3.connect": 1,
}  # fmt: skip
"""Events of Python, and how many of their arguments, from the first, name a place that changes."""

_WITHIN = ("os.remove", "os.rename", "os.rmdir", "os.link")

_HARMLESS = ("python", "uname", "ssh", "nvidia-smi", "lscpu")
"""Programs that say what a machine is."""

_RUNNING = ("os.system", "os.exec", "os.posix_spawn", "subprocess.Popen", "pty.spawn", "socket.connect")


def run(words: list[str], folder: Path, allowed: tuple[str, ...]) -> NoReturn:
    """Run a command in `folder` and end the process; to be called in a fork.

    Args:
        words: After `compress`; where the first is `measure.pyz`, after that.
        allowed: Places under `folder` that may be written to.
    """
    os.setsid()
    _limit()
    _settle(folder)
    notes = os.open(folder / "notes", os.O_WRONLY | os.O_CREAT, 0o600)
    sys.addaudithook(_hook(notes, [os.path.realpath(folder / each) for each in allowed]))
    code = CRASH
    try:
        code = _command(words)
    except SystemExit as stopped:
        code = stopped.code if isinstance(stopped.code, int) else 0 if stopped.code is None else 1
    except BaseException:
        traceback.print_exc()
    with contextlib.suppress(BaseException):
        threading._shutdown()  # type: ignore[attr-defined]
        atexit._run_exitfuncs()
        sys.stdout.flush()
        sys.stderr.flush()
    os._exit(code)


def _command(words: list[str]) -> int:
    if words[0] == "measure.pyz":
        from compress.measure.kit_runtime.run import main as measure

        return measure(words[1:])
    from compress.cli import main

    main(words)


def _limit() -> None:
    """What keeps a mutant from harming the machine before it is stopped."""
    for name, size in ((resource.RLIMIT_AS, 16 * 2**30), (resource.RLIMIT_FSIZE, 4 * 2**30), (resource.RLIMIT_CORE, 0)):
        resource.setrlimit(name, (size, resource.getrlimit(name)[1]))


def _settle(folder: Path) -> None:
    os.chdir(folder)
    for name, place in (("HOME", "home"), ("COMPRESS_HOME", "cache"), ("TMPDIR", "tmp")):
        os.environ[name] = str(folder / place)
    tempfile.tempdir = None
    for number, name in ((1, "stdout"), (2, "stderr")):
        handle = os.open(folder / name, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        os.dup2(handle, number)
        os.close(handle)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    sys.stdout = io.TextIOWrapper(io.FileIO(1, "w", closefd=False), encoding="utf-8", line_buffering=True)
    sys.stderr = io.TextIOWrapper(io.FileIO(2, "w", closefd=False), encoding="utf-8", errors="backslashreplace")


def _hook(notes: int, allowed: list[str]) -> Any:
    def note(text: str) -> None:
        os.write(notes, text.encode(errors="backslashreplace") + b"\n")

    def check(event: str, place: Any) -> None:
        if not isinstance(place, str | bytes | os.PathLike):
            return
        path = os.path.abspath(os.fsdecode(place).removeprefix("file:").partition("?mode=ro")[0])
        real = os.path.join(os.path.realpath(os.path.dirname(path)), os.path.basename(path))
        if real != os.devnull and not any(real == each or real.startswith(each + os.sep) for each in allowed):
            note(f"{event} {real}")

    def hook(event: str, given: tuple[Any, ...]) -> None:
        if event == "open" and isinstance(given[2], int) and given[2] & _WRITING:
            check(event, given[0])
        elif event in _CHANGING:
            count = _CHANGING[event]
            # After the places come the open folders that they are in, -1 where they are in none.
            for i, place in enumerate(given[:count]):
                within = given[count + i] if event in _WITHIN and count + i < len(given) else -1
                check(event, place if within == -1 else os.path.join(f"/proc/self/fd/{within}", os.fsdecode(place)))
        elif event in _RUNNING and not os.path.basename(str(given[0])).startswith(_HARMLESS):
            note(f"{event} {str(given[0])[:200]}")

    return hook
