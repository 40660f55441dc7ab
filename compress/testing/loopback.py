"""A real ssh server on this host, in a process of its own, as a device that the system's ssh reaches."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Loopback:
    """A device at 127.0.0.1 that knows the keys in `folder`, made for it."""

    folder: Path

    @property
    def config(self) -> Path:
        """An ssh configuration that reaches the device as `board`."""
        return self.folder / "config"

    @property
    def known_hosts(self) -> Path:
        return self.folder / "known_hosts"

    @property
    def scratch(self) -> Path:
        """The device's folder for temporary files."""
        return self.folder / "scratch"

    @property
    def hang(self) -> Path:
        """While this file is there, the device answers nothing."""
        return self.folder / "hang"

    @property
    def commands(self) -> list[str]:
        """Every command the device was asked to run."""
        return [path.read_text() for path in sorted((self.folder / "commands").iterdir())]

    @property
    def left_over(self) -> list[str]:
        """Folders of kits that were not removed."""
        return [path.name for path in self.scratch.glob("compress-kit*")]


@contextmanager
def serving(folder: Path) -> Iterator[Loopback]:
    """A server for as long as the block runs."""
    device = Loopback(folder)
    for made in (device.scratch, folder / "commands"):
        made.mkdir(parents=True)
    server = subprocess.Popen([sys.executable, "-P", __file__, str(folder)], stdout=subprocess.PIPE, text=True)
    assert server.stdout is not None
    try:
        assert server.stdout.readline() == "ready\n"
        yield device
    finally:
        server.kill()
        server.wait()
        server.stdout.close()


async def _serve(device: Loopback) -> None:
    import asyncssh

    host_key, user_key = (asyncssh.generate_private_key("ssh-ed25519") for _ in range(2))
    user_key.write_private_key(str(device.folder / "user"))
    (device.folder / "user").chmod(0o600)
    user_key.write_public_key(str(device.folder / "authorized"))
    server = await asyncssh.create_server(
        asyncssh.SSHServer,
        "127.0.0.1",
        0,
        server_host_keys=[host_key],
        authorized_client_keys=str(device.folder / "authorized"),
        process_factory=lambda process: _run(process, device),
        encoding=None,
    )
    port = server.sockets[0].getsockname()[1]
    device.known_hosts.write_text(f"[127.0.0.1]:{port} {host_key.export_public_key().decode()}")
    device.config.write_text(_config(port, device.folder))
    print("ready", flush=True)
    await asyncio.Event().wait()


async def _run(process: Any, device: Loopback) -> None:
    (device.folder / "commands" / f"{len(device.commands):04}").write_text(process.command)
    while device.hang.exists():
        await asyncio.sleep(0.1)
    # Pipes, which close when the connection does, as those of OpenSSH's server.
    shell = subprocess.Popen(
        process.command,
        shell=True,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=os.environ | {"TMPDIR": str(device.scratch), "OMP_NUM_THREADS": "1"},
        cwd=device.scratch,
    )
    pumps = [_fed(process, shell.stdin), *(_heard(process, *pair) for pair in _outputs(process, shell))]
    await asyncio.gather(*pumps, return_exceptions=True)
    code = await asyncio.to_thread(shell.wait)
    process.exit(code if code >= 0 else 128 - code)


def _outputs(process: Any, shell: subprocess.Popen[bytes]) -> list[tuple[Any, Any]]:
    return [(shell.stdout, process.stdout), (shell.stderr, process.stderr)]


async def _fed(process: Any, pipe: Any) -> None:
    with pipe:
        while data := await process.stdin.read(65536):
            await asyncio.to_thread(pipe.write, data)


async def _heard(process: Any, pipe: Any, sink: Any) -> None:
    """Until the shell ends or nobody listens any more; then the shell cannot write on."""
    with pipe:
        while (data := await asyncio.to_thread(os.read, pipe.fileno(), 65536)) and not process.is_closing():
            sink.write(data)
            await sink.drain()


def _config(port: int, folder: Path) -> str:
    lines = [
        "Host board",
        "HostName 127.0.0.1",
        f"Port {port}",
        "User somebody",
        f"IdentityFile {folder / 'user'}",
        "IdentitiesOnly yes",
        f"UserKnownHostsFile {folder / 'known_hosts'}",
        "GlobalKnownHostsFile /dev/null",
    ]
    return "\n  ".join(lines) + "\n"


if __name__ == "__main__":
    asyncio.run(_serve(Loopback(Path(sys.argv[1]))))
