"""`measure.pyz`: the modules that measure this host, packed so that a device measures with the same code."""

from __future__ import annotations

import hashlib
import io
import os
import tempfile
import zipapp
from pathlib import Path

import compress

NAME = "measure.pyz"

MODULES = (
    "core/errors.py",
    "core/execution_path.py",
    "core/stages.py",
    "core/threads.py",
    "geometry/boxes.py",
    "geometry/crop.py",
    "geometry/decode.py",
    "geometry/loop.py",
    "geometry/network.py",
    "geometry/pixels.py",
    "geometry/settings.py",
    "geometry/templates.py",
    "measure/fixed_output_maps.py",
    "measure/graph_frames.py",
    "measure/host/conditions.py",
    "measure/host/fingerprint.py",
    "measure/kit_runtime/checks.py",
    "measure/kit_runtime/files.py",
    "measure/kit_runtime/measuring.py",
    "measure/kit_runtime/run.py",
    "measure/timed_frame.py",
    "measure/timing.py",
    "runtime/sessions.py",
    "runtime/staged.py",
)
"""Under `compress`. They import each other by module, never by package: packages are empty in the archive."""

_MAIN = '''\
"""Measures the kit beside it: python3 measure.pyz. Needs numpy and onnxruntime; uses OpenCV if there is one."""
import os
import sys

os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")  # before onnxruntime is imported
if sys.version_info < (3, 8):
    sys.exit("Error: a kit needs Python 3.8 or newer, but this is Python %d.%d." % sys.version_info[:2])

from compress.measure.kit_runtime.run import main

sys.exit(main())
'''

_EPOCH = 315619200
"""1980-01-02, about the first day that a zip file can hold: archives of equal sources are equal."""


def sources() -> dict[str, str]:
    """Texts of the archive's files, by their path in it."""
    root = Path(compress.__file__).parent
    texts = {f"compress/{module}": (root / module).read_text(encoding="utf-8") for module in MODULES}
    packages = {str(parent) for name in texts for parent in Path(name).parents if str(parent) != "."}
    return {"__main__.py": _MAIN} | {f"{package}/__init__.py": "" for package in sorted(packages)} | texts


def sources_sha256() -> str:
    """Hash of what is packed, whatever a system's zip files look like."""
    digest = hashlib.sha256()
    for name, text in sorted(sources().items()):
        digest.update(f"{name}\0{text}\0".encode())
    return digest.hexdigest()


def measure_archive() -> bytes:
    """What is in measure.pyz."""
    packed = io.BytesIO()
    with tempfile.TemporaryDirectory(prefix="compress-pyz-") as folder:
        for name, text in sources().items():
            path = Path(folder) / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        for path in Path(folder).rglob("*"):
            os.utime(path, (_EPOCH, _EPOCH))
        zipapp.create_archive(folder, packed, interpreter="/usr/bin/env python3", compressed=True)
    return packed.getvalue()
