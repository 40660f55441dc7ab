"""A device's profile in one go: write a kit, run it there over ssh or here on the GPU, read the results."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

from compress.core import CompressError
from compress.measure.carried.sessions import KitError, provider_of
from compress.measure.carry import measure_remotely
from compress.measure.ingest import ingest
from compress.measure.kit import emit_kit
from compress.measure.remote import Remote
from compress.measure.request import Request
from compress.measure.rounds import Report
from compress.profiles import Profile


def remote_profile(request: Request, remote: Remote, *, report: Report | None = None) -> tuple[Profile, Path]:
    """The profile of a device that ssh reaches, and where it is kept.

    Raises:
        UsageError: as `emit_kit`.
        CompressError: as `measure_remotely` and `ingest`.
    """
    with tempfile.TemporaryDirectory(prefix="compress-kit-") as folder:
        kit, results = Path(folder) / "kit", Path(folder) / "results.json"
        emit_kit(request, kit, report=report)
        measure_remotely(remote, kit, results, report=report)
        return ingest(results)


def local_profile(request: Request) -> tuple[Profile, Path]:
    """The profile of this host under another provider of onnxruntime, by a kit in a process of its own.

    Raises:
        CompressError: onnxruntime here lacks the provider, or the kit could not be measured; else as `ingest`.
    """
    try:
        provider_of(request.provider)
    except KitError as error:
        raise CompressError(
            f"{error} A GPU is measured with the package onnxruntime-gpu in the place of onnxruntime, and CUDA; "
            "`compress doctor` says what is missing."
        ) from None
    with tempfile.TemporaryDirectory(prefix="compress-kit-") as folder:
        kit = Path(folder) / "kit"
        emit_kit(request, kit)
        done = subprocess.run([sys.executable, str(kit / "measure.py")], stderr=subprocess.PIPE, text=True)
        if done.returncode:
            raise CompressError(f"This host could not be measured: {' '.join(done.stderr.splitlines()[-3:])}")
        return ingest(kit / "results.json")
