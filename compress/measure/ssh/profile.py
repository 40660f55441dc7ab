"""A device's profile in one go: write a kit, run it there over ssh, read the results."""

from __future__ import annotations

from pathlib import Path

from compress.core.progress import Progress, no_progress, part
from compress.core.scratch import scratch_folder
from compress.latency import Family, Profile
from compress.measure.host_profiles import check_keepable
from compress.measure.kit.ingest import ingest
from compress.measure.kit.request import Request
from compress.measure.kit.writing import emit_kit
from compress.measure.remote_profiles import device_path
from compress.measure.ssh.connection import Remote
from compress.measure.ssh.transfer import measure_remotely


def remote_profile(request: Request, remote: Remote, *, progress: Progress = no_progress) -> tuple[Profile, Path]:
    """The profile of a device that ssh reaches, and where it is kept.

    Raises:
        UsageError: as `emit_kit`.
        CompressError: as `measure_remotely` and `ingest`.

    Warns:
        CompressWarning: before anything is measured, where the profile cannot be kept.
    """
    check_keepable(device_path(request.device, Family.of(request.teacher), request.threads))
    with scratch_folder() as folder:
        kit, results = folder / "kit", folder / "results.json"
        emit_kit(request, kit, progress=part(progress, 0, 0.2))
        measure_remotely(remote, kit, results, progress=part(progress, 0.2, 1))
        return ingest(results, kit=kit)
