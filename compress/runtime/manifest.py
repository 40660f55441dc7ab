"""`bundle.json`: what a bundle says of itself, checked before anything in it is believed."""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from compress.core import FileError, TrackerSpec, UsageError
from compress.geometry import LoopSettings
from compress.runtime.constants import loop_settings, other_part
from compress.runtime.signatures import Form, graph_files

MANIFEST = "bundle.json"
FORMAT = "compress-bundle"
FORMAT_VERSION = 2
"""The newest that is read; `format_version` says what is written."""

_MANIFEST_LIMIT = 1 << 24
_GRAPH = re.compile(r"[a-z0-9][a-z0-9_-]*\.onnx")


@dataclass(frozen=True)
class Bundle:
    """A checked bundle.

    Attributes:
        settings: Of the frame loop, with the update interval that the bundle was exported with.
        form: Whether a frame's work is one graph or one for each stage.
        threads: onnxruntime's threads that the bundle asks for.
        manifest: All of `bundle.json`.
    """

    folder: Path
    name: str
    spec: TrackerSpec
    settings: LoopSettings
    threads: int
    manifest: dict[str, Any]
    form: Form = "one"

    @property
    def graphs(self) -> dict[str, Path]:
        """Paths of the graphs, by `compress.runtime.signatures.graph_files`."""
        return {name: self.folder / name for name in graph_files(self.spec, self.form)}


def open_bundle(folder: Path | str) -> Bundle:
    """Read a bundle and check its format, spec, constants, and the size and sha256 of every file.

    Raises:
        FileError: anything is missing, changed, of a newer format, or lies outside of the folder.
    """
    folder = Path(folder)
    manifest = read_manifest(folder)
    spec = _spec(folder, manifest)
    form = _form(folder, spec, manifest)
    _check_files(folder, graph_files(spec, form), manifest)
    settings = _settings(folder, spec, form, manifest)
    name, threads = manifest.get("name"), manifest.get("threads")
    if not isinstance(name, str) or type(threads) is not int or not 1 <= threads <= 1024:
        raise _damaged(folder, "name must be a text and threads a number from 1 to 1024")
    return Bundle(folder, name=name, spec=spec, settings=settings, threads=threads, manifest=manifest, form=form)


def format_version(spec: TrackerSpec) -> int:
    """The format of a tracker's bundle: 2 with bypass or exits, which readers of format 1 know nothing of, else 1."""
    return 2 if spec.bypass is not None or spec.exits else 1


def listed_files(manifest: dict[str, Any]) -> set[str]:
    """Names of the graphs that a manifest lists; what could lead out of the folder is left out."""
    entries = manifest.get("files")
    return {name for name in entries if _GRAPH.fullmatch(name)} if isinstance(entries, dict) else set()


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


def _check_files(folder: Path, names: tuple[str, ...], manifest: dict[str, Any]) -> None:
    listed = manifest.get("files")
    entries = listed if isinstance(listed, dict) else {}
    # Only the names that the spec asks for are ever opened, so no path of the file's own choosing is followed.
    if set(entries) != set(names) or not all(isinstance(entry, dict) for entry in entries.values()):
        raise _damaged(folder, f"its files must be {' and '.join(names)}")
    for name in names:
        _check_file(folder, name, entries[name])


def _check_file(folder: Path, name: str, entry: dict[str, Any]) -> None:
    path = folder / name
    if path.is_symlink() or not path.is_file():
        raise _damaged(folder, f"{name} is missing or is a link")
    wanted = {key: entry.get(key) for key in ("bytes", "sha256")}
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


def _form(folder: Path, spec: TrackerSpec, manifest: dict[str, Any]) -> Form:
    if manifest["format_version"] != format_version(spec):
        raise _damaged(folder, f"its spec needs format {format_version(spec)} and not {manifest['format_version']}")
    form = manifest.get("form", "one")
    if form == "one" or (form == "stages" and spec.adaptive):
        return form
    raise _damaged(folder, f"its form must be one{' or stages' * spec.adaptive} but is {form!r}")


def _settings(folder: Path, spec: TrackerSpec, form: Form, manifest: dict[str, Any]) -> LoopSettings:
    try:
        settings = loop_settings(spec, manifest)
    except UsageError as error:
        raise _damaged(folder, f"its template_update cannot be used: {error}") from error
    part = other_part(spec, settings, form, manifest)
    if part:
        raise _damaged(folder, f"its {part} constants are not those of this version of compress or of its spec")
    return settings


def _damaged(folder: Path, what: str) -> FileError:
    return FileError(f"The bundle {folder} cannot be used: {what}. Copy or export it again.")
