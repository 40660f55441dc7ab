"""Measuring over the system's ssh, against a real server on loopback."""

from __future__ import annotations

import fcntl
import json
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("asyncssh")
import asyncssh

from compress.core import CompressError, UsageError
from compress.measure.kit.ingest import ingest
from compress.measure.kit_runtime.run import LOCK
from compress.measure.ssh import transfer
from compress.measure.ssh.connection import Remote
from compress.measure.ssh.transfer import measure_remotely
from compress.testing.loopback import Loopback, serving

needs_ssh = pytest.mark.skipif(shutil.which("ssh") is None, reason="needs OpenSSH's client")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Loopback]:
    with serving(tmp_path_factory.mktemp("board")) as device:
        yield device


@pytest.fixture
def board(server: Loopback) -> Iterator[Loopback]:
    """The server as it was before each test, which leaves nothing behind."""
    known, seen = server.known_hosts.read_text(), len(server.commands)
    yield server
    server.known_hosts.write_text(known)
    server.hang.unlink(missing_ok=True)
    for command in server.commands[seen:]:
        assert "password" not in command.lower()
    assert server.left_over == []


def _remote(device: Loopback, **more: Any) -> Remote:
    return Remote("board", **({"config": device.config, "python": sys.executable} | more))


@pytest.fixture
def long_kit(measured_kit: Any, tmp_path: Path) -> Path:
    """A kit that takes minutes."""
    folder = tmp_path / "long"
    shutil.copytree(measured_kit.folder, folder)
    kit = json.loads((folder / "kit.json").read_text())
    kit["schedule"]["rounds"] = 5000
    (folder / "kit.json").write_text(json.dumps(kit))
    return folder


@needs_ssh
def test_a_kit_measured_over_ssh_is_read_back(board: Loopback, measured_kit: Any, tmp_path: Path) -> None:
    shutil.copytree(measured_kit.home / "kits", tmp_path / "home" / "kits")
    results = tmp_path / "results.json"
    for _ in range(3):
        seen: list[float] = []
        try:
            measure_remotely(
                _remote(board),
                measured_kit.folder,
                results,
                progress=lambda text, share, _=None, seen=seen: seen.append(share),
            )
            break
        except CompressError as error:
            if "too noisy" not in str(error):
                raise
    else:
        pytest.skip("The machine is too busy to measure a kit.")
    assert seen[-1] == 1.0
    assert seen == sorted(seen) or len(seen) > 12  # measured again where this machine is noisy
    profile, _ = ingest(results)
    assert (profile.target, profile.provenance) == ("board", "measured")


@needs_ssh
@pytest.mark.parametrize("known", ["other", "none"])
def test_hosts_whose_key_is_not_known_are_refused(
    board: Loopback, measured_kit: Any, tmp_path: Path, known: str
) -> None:
    line = board.known_hosts.read_text().split()[0]
    other = asyncssh.generate_private_key("ssh-ed25519").export_public_key().decode()
    board.known_hosts.write_text(f"{line} {other}" if known == "other" else "")
    before = board.commands
    _refused(board, measured_kit, tmp_path, "Host key verification failed.*your own ssh")
    assert board.commands == before


@needs_ssh
def test_hosts_that_want_a_password_are_refused(board: Loopback, measured_kit: Any, tmp_path: Path) -> None:
    key = tmp_path / "key"
    asyncssh.generate_private_key("ssh-ed25519").write_private_key(str(key))
    key.chmod(0o600)
    options = (f"IdentityFile={key}", "IdentityAgent=none")
    config = tmp_path / "config"
    lines = [line for line in board.config.read_text().splitlines() if "IdentityFile" not in line]
    config.write_text("\n".join(lines))
    remote = _remote(board, config=config, options=options)
    with pytest.raises(CompressError, match="Permission denied.*without a password"):
        measure_remotely(remote, measured_kit.folder, tmp_path / "results.json")


@needs_ssh
def test_hosts_that_do_not_answer(board: Loopback, measured_kit: Any, tmp_path: Path) -> None:
    with pytest.raises(CompressError, match="could not reach board.*Check its name"):
        measure_remotely(_remote(board, options=("Port=1",)), measured_kit.folder, tmp_path / "results.json")


@needs_ssh
def test_a_device_keeps_the_time_limit(board: Loopback, long_kit: Path, tmp_path: Path) -> None:
    with pytest.raises(CompressError, match="did not finish within 3 s"):
        measure_remotely(_remote(board, limit_s=3), long_kit, tmp_path / "results.json")
    assert not (tmp_path / "results.json").exists()


@needs_ssh
def test_a_device_that_hangs_is_given_up(
    board: Loopback, measured_kit: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transfer, "_GRACE_S", 1)
    board.hang.touch()
    with pytest.raises(CompressError, match="did not finish within 1 s"):
        measure_remotely(_remote(board, limit_s=1), measured_kit.folder, tmp_path / "results.json")


@needs_ssh
def test_a_connection_given_up_leaves_nothing(
    board: Loopback, long_kit: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transfer, "_GRACE_S", -600)
    with pytest.raises(CompressError, match="did not finish"):
        measure_remotely(_remote(board, limit_s=604), long_kit, tmp_path / "results.json")
    assert board.left_over == []
    assert board.commands[-1].startswith("rm -rf -- /")


@needs_ssh
def test_a_busy_device_is_left_alone(board: Loopback, measured_kit: Any, tmp_path: Path) -> None:
    with open(board.scratch / LOCK, "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        _refused(board, measured_kit, tmp_path, "another measurement is running")


@needs_ssh
def test_a_device_that_lacks_something(board: Loopback, measured_kit: Any, tmp_path: Path) -> None:
    bare = tmp_path / "python"
    bare.write_text(f'#!/bin/sh\nexec {sys.executable} -S "$@"\n')  # without site-packages
    bare.chmod(0o755)
    with pytest.raises(CompressError, match="No module named 'numpy'.*--remote-python"):
        measure_remotely(_remote(board, python=str(bare)), measured_kit.folder, tmp_path / "results.json")
    with pytest.raises(CompressError, match="exit code 127.*not found"):
        measure_remotely(_remote(board, python="no-such-python"), measured_kit.folder, tmp_path / "results.json")


@pytest.mark.parametrize(
    "host",
    [
        "",
        "-oProxyCommand=x",
        "a b",
        "a;b",
        "$(x)",
        "user@-x",
        "a@b@c",
        "a\nb",
        "`x`",
        "host:22",
        "a/b",
        "@b",
        "x" * 400,
    ],
)
def test_hosts_that_are_none(host: str) -> None:
    with pytest.raises(UsageError, match="--host must be"):
        Remote(host)


@pytest.mark.parametrize("host", ["board", "me@board", "me.too_2@10.0.0.7", "fe80::1", "me@board.example.org"])
def test_hosts_are_one_word_of_the_command(host: str) -> None:
    assert Remote(host).command[-2:] == ["--", host]


@pytest.mark.parametrize(
    "option",
    [
        "StrictHostKeyChecking=no",
        "stricthostkeychecking=accept-new",
        "BatchMode=no",
        "ForwardAgent=yes",
        "Port 22",
        "-v",
    ],
)
def test_options_that_are_fixed_or_none(option: str) -> None:
    with pytest.raises(UsageError, match="Leave the option out|must be NAME=VALUE"):
        Remote("board", options=(option,))


@pytest.mark.parametrize("more", [{"python": "python; rm"}, {"python": "-c"}, {"limit_s": 0}])
def test_other_settings_are_checked(more: dict[str, Any]) -> None:
    with pytest.raises(UsageError, match="must be"):
        Remote("board", **more)


def test_what_is_fixed_comes_first() -> None:
    """ssh takes the first value of an option."""
    command = Remote("board", options=("Port=2222",)).command
    assert command.index("StrictHostKeyChecking=yes") < command.index("Port=2222") < command.index("ConnectTimeout=15")


def _refused(board: Loopback, measured_kit: Any, tmp_path: Path, words: str) -> None:
    with pytest.raises(CompressError, match=words):
        measure_remotely(_remote(board), measured_kit.folder, tmp_path / "results.json")
    assert not (tmp_path / "results.json").exists()
