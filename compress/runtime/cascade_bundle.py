"""The bundle of a cascade: a bundle of each of its two trackers, and the rule by which the second one is asked."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from compress.core import CascadeSpec, UsageError
from compress.core.plain import from_plain
from compress.core.threads import usable_cores
from compress.geometry import CascadeNetwork, CascadeSettings
from compress.runtime.graph_network import BundleNetwork
from compress.runtime.manifest import (
    CASCADE_VERSION,
    MANIFEST,
    MANIFEST_LIMIT,
    MOST_NAME,
    Bundle,
    FileEntry,
    check_file,
    damaged,
    open_bundle,
    read_manifest,
)

MEMBERS = ("fast", "accurate")
"""Folders in the bundle of a cascade, a bundle each."""

NOTE = (
    "Two trackers as one: fast/ and accurate/ are a bundle each. Both search around the same last box, and each keeps "
    "templates of its own. Run the fast one on every frame. Where its score, in single precision, is not above the "
    "threshold, run the accurate one on the same frame, around the same last box; its box and score count then, and "
    "everywhere else the fast one's. Where search_size and search_factor of both are equal, so are their crops."
)


@dataclass(frozen=True)
class _CheckedFields:
    name: str
    cascade_id: str
    threshold: float
    files: dict[str, FileEntry]

    def problems(self) -> Iterator[str]:
        if not (0 < len(self.name) <= MOST_NAME and self.name.isprintable()):
            yield f"name must be a line of at most {MOST_NAME} printable characters"
        if set(self.files) != set(member_files()):
            yield f"files must be {' and '.join(member_files())}"


@dataclass(frozen=True)
class CascadeBundle:
    """A checked bundle of a cascade.

    Attributes:
        fast, accurate: The bundles of its trackers.
        manifest: All of its own `bundle.json`.
    """

    folder: Path
    name: str
    spec: CascadeSpec
    fast: Bundle
    accurate: Bundle
    manifest: dict[str, Any]

    @property
    def settings(self) -> CascadeSettings:
        """Of the frame loop."""
        return CascadeSettings(self.fast.settings, self.accurate.settings, self.spec.threshold)

    @property
    def threads(self) -> int:
        """onnxruntime's threads that the bundle asks for."""
        return self.fast.threads

    @property
    def members(self) -> tuple[Bundle, Bundle]:
        """The fast tracker's bundle and the accurate one's."""
        return self.fast, self.accurate


AnyBundle = Bundle | CascadeBundle


@dataclass(frozen=True)
class BundleCascade(CascadeNetwork):
    """The graphs of a cascade's bundle as networks; `threads` are onnxruntime's, of each."""

    threads: int


def member_files() -> tuple[str, ...]:
    """What the files of a cascade's `bundle.json` are: those that hold the checksums of all others."""
    return tuple(f"{member}/{MANIFEST}" for member in MEMBERS)


def open_any_bundle(folder: Path | str) -> AnyBundle:
    """Read a bundle of one tracker, as `open_bundle`, or of a cascade, and check all of it.

    Raises:
        FileError: anything is missing, changed, of a newer format, or lies outside of the folder.
    """
    folder = Path(folder)
    manifest = read_manifest(folder)
    if manifest["format_version"] != CASCADE_VERSION:
        return open_bundle(folder)
    try:
        fields = from_plain(_CheckedFields, manifest, "bundle", unknown_fields="left out")
    except UsageError as error:
        raise damaged(folder, str(error).rstrip(".")) from error
    fast, accurate = (_member(folder, member, fields) for member in MEMBERS)
    try:
        spec = CascadeSpec(fast.spec, accurate.spec, fields.threshold)
    except UsageError as error:
        raise damaged(folder, str(error).rstrip(".")) from error
    if spec.id != fields.cascade_id:
        raise damaged(folder, f"its trackers and threshold have the id {spec.id} and not {fields.cascade_id[:80]!r}")
    return CascadeBundle(folder, fields.name, spec, fast, accurate, manifest)


def bundle_network(bundle: AnyBundle, *, threads: int | None = None) -> BundleNetwork | BundleCascade:
    """A bundle's graphs as what the frame loop runs; arguments and errors as `BundleNetwork`."""
    if isinstance(bundle, Bundle):
        return BundleNetwork(bundle, threads=threads)
    threads = threads or min(bundle.threads, usable_cores())
    # Of two sessions that take turns, neither may keep the cores busy while it waits.
    fast, accurate = (BundleNetwork(each, threads=threads, alone=threads == 1) for each in bundle.members)
    return BundleCascade(fast, accurate, threads)


def _member(folder: Path, member: str, fields: _CheckedFields) -> Bundle:
    name = f"{member}/{MANIFEST}"
    if (folder / member).is_symlink():
        raise damaged(folder, f"{member} is a link")
    check_file(folder, name, fields.files[name], MANIFEST_LIMIT)
    return open_bundle(folder / member)
