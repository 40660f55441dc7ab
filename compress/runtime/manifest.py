"""`bundle.json`, the description of a bundle: read, and checked before any of it is used."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from compress.core import FileError, TrackerSpec, UsageError
from compress.core.plain import from_plain
from compress.core.plain_files import read_plain
from compress.core.threads import MOST_THREADS
from compress.geometry import LoopSettings
from compress.runtime.checked_graphs import CheckedGraphs
from compress.runtime.constants import differing_constants, loop_settings
from compress.runtime.graph_limits import most_bytes
from compress.runtime.signatures import Form, graph_files

MANIFEST = "bundle.json"
FORMAT = "compress-bundle"
FORMAT_VERSION = 3
"""The newest that is read; `format_version` gives the one that is written."""
CASCADE_VERSION = 3
"""That of a cascade, see `compress.runtime.cascade_bundle`."""

MANIFEST_LIMIT = 1 << 22
_AGAIN = "Copy or export it again."
MOST_NAME = 200
_GRAPH = re.compile(r"[a-z0-9][a-z0-9_-]*\.onnx")


@dataclass(frozen=True)
class FileEntry:
    """As `file_entry` gives it."""

    bytes: int
    sha256: str


@dataclass(frozen=True)
class _CheckedFields:
    """What must be right before a graph is opened; the rest of `bundle.json` is compared with the spec's constants."""

    name: str
    spec: TrackerSpec
    spec_id: str
    threads: int
    files: dict[str, FileEntry]
    form: Form = "one"

    def problems(self) -> Iterator[str]:
        if not (0 < len(self.name) <= MOST_NAME and self.name.isprintable()):
            yield f"name must be a line of at most {MOST_NAME} printable characters"
        if not 1 <= self.threads <= MOST_THREADS:
            yield f"threads must be from 1 to {MOST_THREADS} but is {self.threads}"
        if self.spec.id != self.spec_id:
            yield f"spec has the id {self.spec.id} and not {self.spec_id[:80]!r}"


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
    def graphs(self) -> Mapping[str, bytes]:
        """The graphs by `compress.runtime.signatures.graph_files`, each read and checked when it is asked for.

        Raises:
            FileError: a graph is not the file that was exported, or none that this package exports.
        """
        return CheckedGraphs(self.folder, self.spec, self.form, self.manifest)


def open_bundle(folder: Path | str) -> Bundle:
    """Read a bundle and check its format, spec, constants, and the size and sha256 of every file.

    Raises:
        FileError: it is a cascade, or anything is missing, changed, of a newer format, or lies outside of the folder.
    """
    folder = Path(folder)
    manifest = read_manifest(folder)
    if manifest["format_version"] == CASCADE_VERSION:
        raise FileError(
            f"{folder} is a cascade of two trackers, and one tracker is wanted here. Its parts are bundles of their "
            f"own: {folder / 'fast'} and {folder / 'accurate'}."
        )
    fields = _checked_fields(folder, manifest)
    _check_form(folder, fields, manifest["format_version"])
    _check_files(folder, fields)
    settings = _settings(folder, fields, manifest)
    return Bundle(folder, fields.name, fields.spec, settings, fields.threads, manifest, fields.form)


def format_version(spec: TrackerSpec) -> int:
    """The format of a tracker's bundle: 2 with bypass or exits, which readers of format 1 know nothing of, else 1."""
    return 2 if spec.bypass is not None or spec.exits else 1


def listed_files(manifest: dict[str, Any]) -> set[str]:
    """Names of the graphs that a manifest lists; what could lead out of the folder is left out."""
    entries = manifest.get("files")
    return {name for name in entries if _GRAPH.fullmatch(name)} if isinstance(entries, dict) else set()


def read_manifest(folder: Path) -> dict[str, Any]:
    """The content of `bundle.json`, if this version of the package can read it; the files are not checked.

    Raises:
        FileError: no bundle, a damaged one, or one of a newer format.
    """
    if not folder.is_dir():
        found = "is a file" if folder.exists() else "does not exist"
        raise FileError(f"A bundle is a folder, but {folder} {found}. `compress export` makes one.")
    manifest = _parse(folder)
    version = manifest.get("format_version")
    if manifest.get("format") != FORMAT or type(version) is not int or version < 1:
        raise damaged(folder, f"{MANIFEST} does not describe a bundle (format {FORMAT})")
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
    value = read_plain(path, "bundle's description", most=MANIFEST_LIMIT, advice=_AGAIN)
    if not isinstance(value, dict):
        raise damaged(folder, f"{MANIFEST} is not a JSON object")
    return value


def _checked_fields(folder: Path, manifest: dict[str, Any]) -> _CheckedFields:
    try:
        return from_plain(_CheckedFields, manifest, "bundle", unknown_fields="left out")
    except UsageError as error:
        raise damaged(folder, str(error).rstrip(".")) from error


def _check_files(folder: Path, fields: _CheckedFields) -> None:
    names, entries = graph_files(fields.spec, fields.form), fields.files
    # Only the names that the spec asks for are ever opened, so that no path in the file itself is followed.
    if set(entries) != set(names):
        raise damaged(folder, f"its files must be {' and '.join(names)}")
    for name in names:
        check_file(folder, name, entries[name], most_bytes(fields.spec))


def check_file(folder: Path, name: str, wanted: FileEntry, most: int) -> None:
    """Raise FileError unless a file of a bundle has the size, at most `most` bytes, and sha256 that it should have."""
    path = folder / name
    if path.is_symlink() or not path.is_file():
        raise damaged(folder, f"{name} is missing or is a link")
    if wanted.bytes > most:
        raise damaged(folder, f"{name} has {wanted.bytes} bytes, more than a graph of its spec can have ({most})")
    if path.stat().st_size != wanted.bytes or file_entry(path) != asdict(wanted):
        raise damaged(folder, f"{name} is not the file that was exported: its size or sha256 differs")


def _check_form(folder: Path, fields: _CheckedFields, version: int) -> None:
    if version != format_version(fields.spec):
        raise damaged(folder, f"its spec needs format {format_version(fields.spec)} and not {version}")
    if fields.form == "stages" and not fields.spec.adaptive:
        raise damaged(folder, f"its form must be one but is {fields.form!r}")


def _settings(folder: Path, fields: _CheckedFields, manifest: dict[str, Any]) -> LoopSettings:
    try:
        settings = loop_settings(fields.spec, manifest)
    except UsageError as error:
        raise damaged(folder, f"its template_update cannot be used: {error}") from error
    entry = differing_constants(fields.spec, settings, fields.form, manifest)
    if entry:
        raise damaged(folder, f"its {entry} constants are not those of this version of compress or of its spec")
    return settings


def damaged(folder: Path, what: str) -> FileError:
    """The error of a bundle that cannot be used."""
    return FileError(f"The bundle {folder} cannot be used: {what}. {_AGAIN}")
