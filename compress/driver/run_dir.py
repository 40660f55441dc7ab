"""The run directory: what a stop means for it, its log, and what it ran on."""

from __future__ import annotations

import json
import os
import platform
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import metadata
from pathlib import Path
from time import strftime

from compress import __version__
from compress.archive import explained_storage, place_of
from compress.core import CompressError, InterruptedRun
from compress.core.writing import write_file
from compress.driver.failures import disk_full, is_disk_full

_PACKAGES = ("torch", "onnxruntime", "optuna", "numpy", "opencv-python-headless", "timm")


@contextmanager
def explaining_errors(run_dir: Path, work: str = "search") -> Iterator[None]:
    """Say what a stop, a full disk, or a study that cannot be used, means for the run.

    Args:
        work: What is done in it, for messages.

    Raises:
        InterruptedRun, FileError, CompressError: in place of what was raised within.
    """
    try:
        try:
            yield
        except CompressError:
            raise
        except Exception:
            with explained_storage(place_of(run_dir)):
                raise
    except Exception as error:
        if not is_disk_full(error):
            raise
        raise disk_full(error, run_dir) from error
    except KeyboardInterrupt as error:
        raise InterruptedRun(
            f"Stopped. Nothing is lost: the same command continues the {work} in {run_dir}."
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
    write_file(run_dir / "environment.json", json.dumps(found, indent=2) + "\n")


def _version(name: str) -> str:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return "absent"
