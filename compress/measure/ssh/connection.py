"""How a device is reached over the system's ssh.

Host keys are checked, nobody is asked for a password, nothing is forwarded. What the user gives is validated and
handed to ssh as words of its own; no local shell sees it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from compress.core import UsageError

_HOST = re.compile(r"([A-Za-z_][A-Za-z0-9_.-]{0,63}@)?([A-Za-z0-9][A-Za-z0-9_.-]{0,252}|[0-9A-Fa-f:]{2,39})")
_PYTHON = re.compile(r"[A-Za-z0-9_./][A-Za-z0-9_./+-]{0,254}")
_OPTION = re.compile(r"([A-Za-z]{2,40})=([^\x00-\x1f\x7f]{1,1000})")

_FIXED = {
    "BatchMode": "yes",
    "StrictHostKeyChecking": "yes",
    "ClearAllForwardings": "yes",
    "ForwardAgent": "no",
    "PermitLocalCommand": "no",
    "ControlPath": "none",
    "RequestTTY": "no",
    "LogLevel": "ERROR",
}
_USUAL = {"ConnectTimeout": "15", "ServerAliveInterval": "15", "ServerAliveCountMax": "4"}


@dataclass(frozen=True)
class Remote:
    """A device that ssh reaches.

    Attributes:
        host: `user@device`, `device`, or a name of the ssh configuration.
        options: ssh options, `Port=2222` or `IdentityFile=…`, as ssh_config knows them.
        config: An ssh configuration file instead of the user's own.
        python: Interpreter on the device.
        limit_s: Seconds after which the measurement is given up.

    Raises:
        UsageError: what ssh could take for something else, or an option that is fixed here.
    """

    host: str
    options: tuple[str, ...] = ()
    config: Path | None = None
    python: str = "python3"
    limit_s: int = 3600

    def __post_init__(self) -> None:
        if not _HOST.fullmatch(self.host):
            raise UsageError(
                f"--host must be user@device, device or a name of your ssh configuration but is {self.host!r}. A port "
                "goes into --ssh-option Port=2222."
            )
        if not _PYTHON.fullmatch(self.python):
            raise UsageError(f"The device's Python must be a command or a path without spaces but is {self.python!r}.")
        if self.limit_s < 1:
            raise UsageError(f"The time limit must be at least 1 second but is {self.limit_s}.")
        for option in self.options:
            _check_option(option)

    @property
    def command(self) -> list[str]:
        """The words that open a connection; the remote command follows."""
        config = [] if self.config is None else ["-F", str(self.config)]
        fixed = [f"{name}={value}" for name, value in _FIXED.items()]
        usual = [f"{name}={value}" for name, value in _USUAL.items()]
        # ssh keeps the first value it is given of each option.
        words = [word for option in (*fixed, *self.options, *usual) for word in ("-o", option)]
        return ["ssh", *config, "-T", *words, "--", self.host]


def _check_option(option: str) -> None:
    found = _OPTION.fullmatch(option)
    if found is None:
        raise UsageError(f"--ssh-option must be NAME=VALUE, e.g. Port=2222, but is {option!r}.")
    fixed = {name.lower(): value for name, value in _FIXED.items()}
    if found[1].lower() in fixed:
        raise UsageError(
            f"{found[1]} is always {fixed[found[1].lower()]}: host keys are checked, nobody is asked for a password, "
            "and nothing is forwarded. Leave the option out."
        )
