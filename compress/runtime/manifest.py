"""`bundle.json`: what a bundle says of itself, checked before anything in it is believed."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from compress.core import FileError, TrackerSpec, UsageError
from compress.geometry import LoopSettings
from compress.geometry.crop import MEAN, STD

MANIFEST = "bundle.json"
FORMAT = "compress-bundle"
FORMAT_VERSION = 1
GRAPHS = ("template.onnx", "frame.onnx")
CLIP_MARGIN = 10
"""Pixels; `compress.geometry.clip_box` keeps boxes at least this large and this far inside."""

_MANIFEST_LIMIT = 1 << 24


@dataclass(frozen=True)
class Bundle:
    """A checked bundle.

    Attributes:
        threads: onnxruntime's threads that the bundle asks for.
        manifest: All of `bundle.json`.
    """

    folder: Path
    name: str
    spec: TrackerSpec
    threads: int
    manifest: dict[str, Any]

    @property
    def settings(self) -> LoopSettings:
        return LoopSettings.of(self.spec)

    def graph(self, name: str) -> Path:
        """Path of `template.onnx` or `frame.onnx`."""
        return self.folder / name


def open_bundle(folder: Path | str) -> Bundle:
    """Read a bundle and check its format, spec, constants, and the size and sha256 of every file.

    Raises:
        FileError: anything is missing, changed, of a newer format, or lies outside of the folder.
    """
    folder = Path(folder)
    manifest = read_manifest(folder)
    for graph in GRAPHS:
        _check_file(folder, graph, manifest)
    spec = _spec(folder, manifest)
    _check_constants(folder, spec, manifest)
    name, threads = manifest.get("name"), manifest.get("threads")
    if not isinstance(name, str) or type(threads) is not int or not 1 <= threads <= 1024:
        raise _damaged(folder, "name must be a text and threads a number from 1 to 1024")
    return Bundle(folder=folder, name=name, spec=spec, threads=threads, manifest=manifest)


def constants(spec: TrackerSpec) -> dict[str, Any]:
    """What stands before and after the graphs, for a reader that is not this package."""
    return {
        "preprocess": {
            "template_size": spec.template_size,
            "search_size": spec.search_size,
            "template_factor": spec.template_factor,
            "search_factor": spec.search_factor,
            "colours": "RGB",
            "layout": "NCHW float32",
            "scale": 255,
            "mean": list(MEAN),
            "std": list(STD),
            "target_token": spec.target_token,
        },
        "postprocess": {"window": "hann", "grid": spec.grid, "clip_margin": CLIP_MARGIN},
    }


def read_manifest(folder: Path) -> dict[str, Any]:
    """The content of `bundle.json`, if this version of the package can read it; files are not looked at.

    Raises:
        FileError: no bundle, a damaged one, or one of a newer format.
    """
    if not folder.is_dir():
        found = "is a file" if folder.exists() else "does not exist"
        raise FileError(f"A bundle is a folder, but {folder} {found}. `compress export` makes one.")
    manifest = _parse(folder)
    version = manifest.get("format_version")
    if manifest.get("format") != FORMAT or type(version) is not int or version < 1:
        raise _damaged(folder, f"{MANIFEST} does not describe a bundle (format {FORMAT})")
    if version > FORMAT_VERSION:
        raise FileError(
            f"The bundle {folder} has format {version}, and this version of compress reads up to {FORMAT_VERSION}. "
            "Update compress, or export the bundle again with this version."
        )
    return manifest


def file_entry(path: Path) -> dict[str, Any]:
    """The size in bytes and sha256 of a file, as `bundle.json` keeps them."""
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return {"bytes": path.stat().st_size, "sha256": digest}


def _parse(folder: Path) -> dict[str, Any]:
    path = folder / MANIFEST
    if path.is_symlink() or not path.is_file():
        raise FileError(f"There is no {MANIFEST} in {folder}, so it is no bundle. `compress export` makes one.")
    if path.stat().st_size > _MANIFEST_LIMIT:
        raise _damaged(folder, f"{MANIFEST} is larger than any bundle's")
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, RecursionError) as error:
        raise _damaged(folder, f"{MANIFEST} is no whole JSON file ({error})") from error
    if not isinstance(value, dict):
        raise _damaged(folder, f"{MANIFEST} is not a JSON object")
    return value


def _check_file(folder: Path, name: str, manifest: dict[str, Any]) -> None:
    entries = manifest.get("files")
    # Only these two names are ever opened, so no path of the file's own choosing is followed.
    if not isinstance(entries, dict) or set(entries) != set(GRAPHS) or not isinstance(entries[name], dict):
        raise _damaged(folder, f"its files must be {' and '.join(GRAPHS)}")
    path = folder / name
    if path.is_symlink() or not path.is_file():
        raise _damaged(folder, f"{name} is missing or is a link")
    wanted = {key: entries[name].get(key) for key in ("bytes", "sha256")}
    if path.stat().st_size != wanted["bytes"] or file_entry(path) != wanted:
        raise _damaged(folder, f"{name} is not the file that was exported: its size or sha256 differs")


def _spec(folder: Path, manifest: dict[str, Any]) -> TrackerSpec:
    try:
        spec = TrackerSpec.from_dict(manifest.get("spec"))  # type: ignore[arg-type]
    except (UsageError, TypeError, RecursionError) as error:
        raise _damaged(folder, f"its spec cannot be read: {error}") from error
    if spec.id != manifest.get("spec_id"):
        raise _damaged(folder, f"its spec has the id {spec.id} and not {manifest.get('spec_id')}")
    return spec


def _check_constants(folder: Path, spec: TrackerSpec, manifest: dict[str, Any]) -> None:
    for part, wanted in constants(spec).items():
        if manifest.get(part) != wanted:
            raise _damaged(folder, f"its {part} constants are not those of this version of compress or of its spec")


def _damaged(folder: Path, what: str) -> FileError:
    return FileError(f"The bundle {folder} cannot be used: {what}. Copy or export it again.")
