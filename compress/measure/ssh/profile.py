"""A device's profile in one go: write a kit, run it there over ssh, read the results."""

from __future__ import annotations

import tempfile
from pathlib import Path

from compress.latency import Profile
from compress.measure.kit.ingest import ingest
from compress.measure.kit.request import Request
from compress.measure.kit.writing import emit_kit
from compress.measure.ssh.connection import Remote
from compress.measure.ssh.transfer import measure_remotely
from compress.measure.timing import Report


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
