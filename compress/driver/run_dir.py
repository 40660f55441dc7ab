"""The run directory: one process at a time, its log, and what it ran on."""

from __future__ import annotations

import fcntl
import json
import os
import platform
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import metadata
from pathlib import Path
from time import strftime

import optuna
from sqlalchemy.exc import SQLAlchemyError

from compress import __version__
from compress.core import CompressError, FileError, InterruptedRun
from compress.core.files import write_text

_PACKAGES = ("torch", "onnxruntime", "optuna", "numpy", "opencv-python-headless", "timm")


@contextmanager
def run_dir_lock(run_dir: Path) -> Iterator[None]:
    """Hold the run directory; the lock goes with the process, however it ends.

    Raises:
        CompressError: another process holds it.
    """
    run_dir.mkdir(parents=True, exist_ok=True)
    with (run_dir / ".lock").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise CompressError(
                f"Another search is running in {run_dir}. Wait for it or stop it, or give another --out."
            ) from error
        yield


@contextmanager
def explaining_errors(run_dir: Path) -> Iterator[None]:
    """Say what a stop, or a study that cannot be used, means for the run.

    Raises:
        InterruptedRun, FileError: in place of what was raised within.
    """
    try:
        yield
    except KeyboardInterrupt as error:
        raise InterruptedRun(
            f"Stopped. Nothing is lost: the same command continues the search in {run_dir}."
        ) from error
    except (SQLAlchemyError, optuna.exceptions.StorageInternalError) as error:
        found = str(error.__cause__ or error).splitlines()[0]
        raise FileError(
            f"The study {run_dir / 'study.db'} cannot be read or written ({found}). Free some space or choose "
            "another --out; where the study is whole, the same command continues it."
        ) from error


class Log:
    """Appends lines with the time to `log.txt`."""

    def __init__(self, run_dir: Path) -> None:
        self._path = run_dir / "log.txt"

    def __call__(self, text: str) -> None:
        with self._path.open("a", encoding="utf-8") as file:
            file.write(f"{strftime('%Y-%m-%d %H:%M:%S')} {text}\n")


def write_environment(run_dir: Path, device: str) -> None:
    """`environment.json`: versions, processor, and the device that trains."""
    found = {
        "compress": __version__,
        "python": sys.version.split()[0],
        "platform": platform.platform(),
        "cpus": os.cpu_count(),
        "training_device": device,
        **{name: _version(name) for name in _PACKAGES},
    }
    write_text(run_dir / "environment.json", json.dumps(found, indent=2) + "\n")


def _version(name: str) -> str:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return "absent"
