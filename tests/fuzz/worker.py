"""`python -m tests.fuzz.worker ROOT`: loads the package once, and gives every mutant that it is asked for a fork.

Each line on stdin is a JSON list of a kind and a seed; each line on stdout what became of it.
"""

from __future__ import annotations

import contextlib
import importlib
import json
import os
import pkgutil
import shutil
import signal
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict
from pathlib import Path

import compress
from tests.fuzz import child, originals
from tests.fuzz.judge import MEGABYTES, SECONDS, Answer, faults
from tests.fuzz.kinds import KINDS, build
from tests.fuzz.values import ESCAPE

_HEAVY = (
    "torch", "torch._dynamo", "onnx", "onnxruntime", "optuna", "cv2", "sqlalchemy.dialects.sqlite", "alembic.command",
    "safetensors.torch", "safetensors.numpy", "pandas", "plotly", "scipy.optimize", "jinja2", "rich.table",
    "moocore", "plotly.graph_objects", "sqlalchemy.orm", "encodings.utf_8_sig", "encodings.utf_16",
)  # fmt: skip
_TURN = 0.02
_PAGE = os.sysconf("SC_PAGE_SIZE") if hasattr(os, "sysconf") else 4096
_BESIDE = ("notes", "stdout", "stderr")


def main() -> None:
    """Answer every line of stdin."""
    root = Path(sys.argv[1])
    load()
    answers = os.fdopen(os.dup(1), "w")
    for line in sys.stdin:
        kind, seed = json.loads(line)
        found, bad, words = tried(kind, seed, root)
        about = asdict(found) | {"out": found.out.decode(errors="replace"), "err": found.err.decode(errors="replace")}
        print(json.dumps([kind, seed, about, bad, words]), file=answers, flush=True)


def load() -> None:
    """Import what commands import, so that a fork has it."""
    own = [each.name for each in pkgutil.walk_packages(compress.__path__, "compress.")]
    for name in (*_HEAVY, *(name for name in own if not name.startswith(("compress.testing", "compress.__main__")))):
        importlib.import_module(name)
    sys.dont_write_bytecode = True
    originals.register_tracker()


def tried(name: str, seed: int, root: Path, *, keep: bool = False) -> tuple[Answer, list[str], list[str]]:
    """Make a mutant, run its command, and judge the answer.

    Args:
        keep: Leave its folder, `root/case`.

    Returns:
        The answer, its faults, and the command's words.
    """
    kind = KINDS[name]
    folder = root / f"case-{os.getpid()}"
    shutil.rmtree(folder, ignore_errors=True)
    if not (root / "originals" / kind.files).is_dir():
        _forked(lambda: originals.made(kind.files, root / "originals"))
    shutil.copytree(root / "originals" / kind.files, folder / "in", symlinks=True)
    for place in ("home", "tmp", "out"):
        (folder / place).mkdir()
    if (folder / "in" / "cache").is_dir():
        (folder / "in" / "cache").rename(folder / "cache")
    (folder / "cache").mkdir(exist_ok=True)
    changed, words = build(kind, seed, name, folder)
    allowed = ("cache", "out", "tmp", *kind.writes)
    before = dict(_listing(folder, allowed))
    answer = _watched(words, folder, allowed, changed)
    if not answer.over:
        after = dict(_listing(folder, allowed))
        outside = [*_notes(folder), *(f"changed {p}" for p in {**before, **after} if before.get(p) != after.get(p))]
        outside += [str(p) for p in (Path(f"/tmp/{ESCAPE}"), root / ESCAPE, root.parent / ESCAPE) if p.exists()]
        answer.outside.extend(dict.fromkeys(outside))
        answer.left.extend(_left(folder, kind.writes))
    bad = faults(answer, folder, kind.codes)
    if not keep:
        shutil.rmtree(folder, ignore_errors=True)
    return answer, bad, words


def _watched(words: list[str], folder: Path, allowed: tuple[str, ...], changed: str) -> Answer:
    """Run the command in a fork, until it ends or takes too much."""
    pid = os.fork()
    if not pid:
        child.run(words, folder, allowed)
    seconds, last, waited, over, most = 0.0, time.monotonic(), _waited(pid), "", 0
    while True:
        ended, status, usage = os.wait4(pid, os.WNOHANG)
        if ended:
            break
        time.sleep(_TURN)
        now, delay = time.monotonic(), _waited(pid)
        # Neither the time that this process was stopped counts, nor what the other waited for a processor.
        seconds += max(0.0, min(now - last, 0.5) - (delay - waited))
        last, waited = now, delay
        most = max(most, _resident(pid))
        over = "time" if seconds > SECONDS else "memory" if most > MEGABYTES * 2**20 else ""
        if over:
            os.killpg(pid, signal.SIGKILL)
            ended, status, usage = os.wait4(pid, 0)
            break
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, signal.SIGKILL)  # what it started and did not wait for
    streams = {name: (folder / name).read_bytes()[:200_000] if (folder / name).is_file() else b"" for name in _BESIDE}
    megabytes = max(usage.ru_maxrss / 1024, most / 2**20)
    code, out, err = os.waitstatus_to_exitcode(status), streams["stdout"], streams["stderr"]
    return Answer(code, out, err, round(seconds, 2), round(megabytes), over, changed=changed)


def _waited(pid: int) -> float:
    """Seconds that a process was ready to run and had no processor."""
    try:
        return int(Path(f"/proc/{pid}/schedstat").read_text().split()[1]) / 1e9
    except (OSError, IndexError):
        return 0.0


def _resident(group: int) -> int:
    """Resident bytes of the largest of a process and of those below it."""
    most, waiting = 0, [group]
    while waiting:
        pid = waiting.pop()
        with contextlib.suppress(OSError, IndexError):
            resident = int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * _PAGE
            most = max(most, resident)
            waiting += [int(each) for each in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    return most


def _listing(folder: Path, allowed: tuple[str, ...]) -> Iterator[tuple[str, object]]:
    for place, inner, names in os.walk(folder):
        at = os.path.relpath(place, folder)
        inner[:] = [name for name in inner if os.path.normpath(os.path.join(at, name)) not in allowed]
        for name in (*names, *inner):
            path = os.path.normpath(os.path.join(at, name))
            if path not in _BESIDE:
                status = os.lstat(folder / path)
                yield path, (status.st_mode, status.st_size, name in names and status.st_mtime_ns)


def _left(folder: Path, writes: tuple[str, ...]) -> list[str]:
    """What is left in the folder for temporary files, and beside what was written."""
    # PyTorch's compiler makes its folder when it is imported.
    within = [] if "tmp" in writes else [path.name for path in (folder / "tmp").iterdir()]
    found = [f"tmp/{name}" for name in within if not name.startswith("torchinductor")]
    for place in ("out", "cache", *writes):
        for path in (folder / place).rglob("*"):
            if path.name.endswith((".partial", ".part", ".tmp")) or (path.name[:1] == "." and ".lock" not in str(path)):
                found.append(str(path.relative_to(folder)))
    return found


def _notes(folder: Path) -> list[str]:
    notes = folder / "notes"
    return notes.read_text(errors="replace").splitlines() if notes.is_file() else []


def _forked(work: Callable[[], object]) -> None:
    """Do something in a fork, so that no library starts threads in this process, of which forks would have none."""
    pid = os.fork()
    if not pid:
        code = 1
        try:
            os.dup2(2, 1)
            work()
            code = 0
        finally:
            if code:
                import traceback

                traceback.print_exc()
            os._exit(code)
    if os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]):
        raise RuntimeError("the valid files could not be made")


if __name__ == "__main__":
    main()
