"""A device that writes without a newline or without an end, and one that tells nonsense: bounded, and said."""

from __future__ import annotations

import io
import os
from pathlib import Path

import pytest

from compress.core import CompressError
from compress.core.progress import no_progress
from compress.measure.ssh import transfer
from compress.measure.ssh.connection import Remote
from compress.measure.ssh.transfer import measure_remotely

SSH = """\
#!/bin/sh
# Stands in for ssh: whatever is asked for, a device that writes the same for ever.
cat /dev/zero | tr '\\\\0' {letter} {where}
"""


@pytest.fixture
def kit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "bin").mkdir()
    (tmp_path / "kit").mkdir()
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}{os.pathsep}{os.environ['PATH']}")
    return tmp_path / "kit"


def _device(kit: Path, letter: str, where: str) -> None:
    ssh = kit.parent / "bin" / "ssh"
    ssh.write_text(SSH.format(letter=letter, where=where))
    ssh.chmod(0o755)


@pytest.mark.parametrize("letter", ["x", "'\\\\n'"])
def test_messages_without_an_end_are_given_up(kit: Path, letter: str, monkeypatch: pytest.MonkeyPatch) -> None:
    _device(kit, letter, ">&2")
    monkeypatch.setattr(transfer, "_MAX_MESSAGES", 1_000_000)
    with pytest.raises(CompressError, match="board was given up: it wrote more than 1000000 bytes of messages"):
        measure_remotely(Remote("board"), kit, kit.parent / "results.json")
    assert not (kit.parent / "results.json").exists()


def test_an_answer_without_an_end_is_cut(kit: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _device(kit, "x", "")
    monkeypatch.setattr(transfer, "_MAX_BYTES", 1_000_000)
    with pytest.raises(CompressError, match="board"):
        measure_remotely(Remote("board"), kit, kit.parent / "results.json")
    assert not (kit.parent / "results.json").exists()


def test_lines_are_read_in_pieces() -> None:
    stream = io.BytesIO(b"x" * 100_000 + b"\nbatch 1 of 2: 50%\nno newline at the end")
    longest = 0

    class Counted(io.BufferedReader):
        def readline(self, size: int | None = -1, /) -> bytes:
            nonlocal longest
            found = super().readline(size)
            longest = max(longest, len(found))
            return found

    messages = transfer._DeviceMessages(no_progress)
    messages.read_from(Counted(stream), lambda: pytest.fail("too much"))  # type: ignore[arg-type]
    assert longest <= 4_000
    assert messages.last == ["x" * 500, "no newline at the end"]


@pytest.mark.parametrize("line", [f"batch {'9' * 400} of 1: 1%", "batch 1 of 0: 100%", "batch ٣ of ٤: ٥%", "\x1b[2J"])
def test_shares_that_are_none_are_only_messages(line: str) -> None:
    shares: list[float] = []
    messages = transfer._DeviceMessages(lambda text, share, _=None: shares.append(share))
    messages.read_from(io.BytesIO(line.encode() + b"\n"), lambda: None)
    assert all(0 <= share <= 1 for share in shares)
