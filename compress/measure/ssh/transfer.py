"""Measuring on a device over ssh: copy a kit there, run it, bring the results back, leave nothing behind."""

from __future__ import annotations

import contextlib
import re
import shlex
import shutil
import subprocess
import tarfile
import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import IO

from compress.core import CompressError
from compress.core.progress import Progress, no_progress
from compress.core.writing import writing
from compress.measure.ssh.connection import Remote

_FOLDER = re.compile(r"folder (/[A-Za-z0-9_./+-]{1,200}/compress-kit\.[A-Za-z0-9]{6,20})")
_SHARE = re.compile(r"batch ([0-9]{1,6}) of ([0-9]{1,6}): ([0-9]{1,3})%")

_GRACE_S = 30
"""Seconds beside the limit for connecting and copying; the device applies the limit itself."""

_ALARM = 128 + 14
"""What a shell makes of a command that ran into its own limit."""

_SCRIPT = """\
set -eu; umask 077
dir=$(mktemp -d "${{TMPDIR:-/tmp}}/compress-kit.XXXXXXXX")
trap 'rm -rf "$dir"' EXIT
trap 'exit 129' HUP; trap 'exit 130' INT; trap 'exit 141' PIPE; trap 'exit 143' TERM
echo "folder $dir" >&2
tar -xf - -C "$dir"
{run}
cat "$dir/results.json"
"""

_MAX_BYTES = 100_000_000

_MAX_LINE = 4_000
_MAX_MESSAGES = 10_000_000
"""Bytes of a line on the device's stderr, and of all of it: a device may write without a newline, or without an end."""


def measure_remotely(remote: Remote, kit: Path, out: Path, *, progress: Progress = no_progress) -> None:
    """Run a kit on a device and write its results.json to `out`. The device's folder is removed, whatever happens.

    Raises:
        CompressError: no ssh here; the device cannot be reached, its host key is unknown or changed, it is busy, noisy
            or lacks something, or the time is up.
    """
    if shutil.which("ssh") is None:
        raise CompressError("There is no ssh here. Install OpenSSH's client, or use `compress profile kit`.")
    script = _SCRIPT.format(run=_run_words(remote, kit))
    messages = _DeviceMessages(progress)
    try:
        answer = _exchange(remote, ["sh", "-c", shlex.quote(script)], kit, messages)
    except BaseException:
        _clean_up(remote, messages.folder)
        raise
    with writing(out) as temporary:
        temporary.write_bytes(answer)


def _run_words(remote: Remote, kit: Path) -> str:
    """What measures the kit on the device; a shell script of its own is stopped from here when the time is up."""
    python = shlex.quote(remote.python)
    if (kit / "measure.sh").exists():
        return f'PYTHON={python} sh "$dir/measure.sh"'
    return f'{python} "$dir/measure.pyz" --out "$dir/results.json" --limit {remote.limit_s}'


class _DeviceMessages:
    """The device's messages on stderr: its folder, how far it is, and anything else, which explains a failure."""

    def __init__(self, progress: Progress) -> None:
        self.folder: str | None = None
        self.last: list[str] = []
        self.flooded = False
        self._progress = progress

    def read_from(self, stream: IO[bytes], give_up: Callable[[], object]) -> None:
        """Read to the end; `give_up` is called where a device writes more than any kit does."""
        left, whole = _MAX_MESSAGES, True
        with stream:
            while raw := stream.readline(_MAX_LINE):
                if whole:
                    self._handle(raw.decode("utf-8", "replace").strip()[:500])
                whole = raw.endswith(b"\n")
                left -= len(raw)
                if left < 0:
                    self.flooded = True
                    give_up()
                    return

    def _handle(self, line: str) -> None:
        share, folder = _SHARE.fullmatch(line), _FOLDER.fullmatch(line)
        if share:
            done, count, percent = map(int, share.groups())
            self._progress("measuring on the device", min(1.0, (done - 1 + percent / 100) / max(1, count)))
        elif folder:
            self.folder = folder[1]
        elif line:
            self.last = [*self.last[-4:], line]


def _exchange(remote: Remote, command: Sequence[str], kit: Path, messages: _DeviceMessages) -> bytes:
    """Send the kit to a command on the device and return what it prints."""
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    with _killed_at_end(subprocess.Popen([*remote.command, *command], **pipes)) as ssh:  # type: ignore[call-overload]
        output: list[bytes] = []
        threads = [
            threading.Thread(target=messages.read_from, args=(ssh.stderr, ssh.kill), daemon=True),
            threading.Thread(target=_read_output, args=(ssh.stdout, output), daemon=True),
            threading.Thread(target=_send, args=(kit, ssh.stdin), daemon=True),
        ]
        for thread in threads:
            thread.start()
        try:
            code = ssh.wait(remote.limit_s + _GRACE_S)
        except subprocess.TimeoutExpired:
            raise _too_slow(remote) from None
        for thread in threads:
            thread.join(10)
    if messages.flooded:
        raise CompressError(f"{remote.host} was given up: it wrote more than {_MAX_MESSAGES} bytes of messages.")
    if code != 0:
        raise _failure(remote, code, messages.last)
    return output[0] if output else b""


def _read_output(stream: IO[bytes], into: list[bytes]) -> None:
    with stream:
        into.append(stream.read(_MAX_BYTES))


@contextlib.contextmanager
def _killed_at_end(process: subprocess.Popen[bytes]) -> Iterator[subprocess.Popen[bytes]]:
    """A process that is gone when the block ends."""
    try:
        yield process
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()


def _send(kit: Path, stream: IO[bytes]) -> None:
    """The kit as a tar; a device that hangs up says why on stderr."""
    with contextlib.suppress(OSError, tarfile.TarError), stream, tarfile.open(fileobj=stream, mode="w|") as archive:
        for path in sorted(kit.rglob("*")):
            archive.add(path, arcname=str(path.relative_to(kit)), recursive=False)


def _clean_up(remote: Remote, folder: str | None) -> None:
    """Remove what a connection that broke may have left; the device removes it by itself where it ends well."""
    if folder is None:
        return
    words = [*remote.command, "rm", "-rf", "--", shlex.quote(folder)]
    with contextlib.suppress(OSError, subprocess.TimeoutExpired):
        subprocess.run(words, stdin=subprocess.DEVNULL, capture_output=True, timeout=60)


def _failure(remote: Remote, code: int, said: Sequence[str]) -> CompressError:
    words = " ".join(said).removeprefix("Error: ")
    if code == 255:
        advice = (
            "Connect once with your own ssh to check its host key and to see that it lets you in without a password."
            if "erification failed" in words or "ermission denied" in words
            else "Check its name, that it is on, and that `ssh` reaches it."
        )
        return CompressError(f"ssh could not reach {remote.host}: {words or 'no answer'}. {advice}")
    if code == _ALARM:
        return _too_slow(remote)
    if said and said[-1].startswith("ModuleNotFoundError"):
        return CompressError(
            f"{remote.python} on {remote.host} lacks what a kit needs ({said[-1].partition(': ')[2]}). Install numpy "
            "and onnxruntime there, or name a Python that has them with --remote-python."
        )
    return CompressError(f"{remote.host} could not measure (exit code {code}): {words or 'it did not say why.'}")


def _too_slow(remote: Remote) -> CompressError:
    return CompressError(f"{remote.host} did not finish within {remote.limit_s} s. Give it more with --time-limit.")
