"""Writing a bundle: graphs and `bundle.json` in one folder, verified before it takes its place."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
import onnxruntime
import torch

import compress
from compress.core import Accuracy, FileError, Latency, UsageError
from compress.core.text import printable
from compress.core.writing import new_folder, write_file
from compress.export.graphs import bundle_graphs, memory_names
from compress.export.low_precision import LowPrecision
from compress.export.side_by_side import compare_exported
from compress.export.tracing import OPSET
from compress.geometry import LoopSettings
from compress.models import Tracker
from compress.runtime import Bundle, BundleNetwork, GraphNetwork, open_bundle
from compress.runtime.cascade_bundle import MEMBERS
from compress.runtime.constants import constant_notes, constants
from compress.runtime.manifest import (
    CASCADE_VERSION,
    FORMAT,
    MANIFEST,
    MOST_NAME,
    file_entry,
    format_version,
    listed_files,
    read_manifest,
)
from compress.runtime.selftest import selftest_record
from compress.runtime.signatures import Form, default_form

if TYPE_CHECKING:
    from compress.data import Sequence


def export_bundle(
    model: Tracker,
    out: Path | str,
    *,
    sequence: Sequence,
    provenance: dict[str, Any],
    name: str = "tracker",
    threads: int = 1,
    update_interval: int | None = None,
    accuracy: Accuracy | None = None,
    latency: Latency | None = None,
    form: Form | None = None,
    low: tuple[LowPrecision, Mapping[str, bytes]] | None = None,
    measured: Mapping[str, Any] | None = None,
) -> Path:
    """Write `model` as a bundle at `out`; an older bundle there is replaced whole, or not at all.

    Args:
        sequence: PyTorch and onnxruntime must find the same boxes on it.
        provenance: Where the weights come from, in plain JSON types.
        threads: onnxruntime's threads that the bundle asks for.
        update_interval: Of the online template, see `LoopSettings.of`.
        form: See `bundle_graphs`.
        low: In another precision than fp32: how the graphs were made, and the graphs. PyTorch is compared with those
            of float32, from which they were made.
        measured: What the precision costs, to be kept beside it; plain JSON types.

    Raises:
        UsageError: `out` holds something that is no bundle, the tracker cannot renew its template, or has no stages.
        CompressError: PyTorch and onnxruntime do not agree.
        OSError: the place cannot be written.
    """
    out = Path(out).absolute()
    check_place(out)
    settings = LoopSettings.of(model.spec, update_interval=update_interval)
    form = form or default_form(model.spec)
    manifest = {"format": FORMAT, "format_version": format_version(model.spec)}
    # A run's folder can have any name, and a file of JSON cannot hold all of them.
    manifest["name"] = printable(name, most=MOST_NAME).strip() or "tracker"
    manifest |= _about(model, settings, form)
    facts = {key: printable(value) if isinstance(value, str) else value for key, value in provenance.items()}
    manifest |= {"threads": threads, "provenance": facts}
    if low is not None:
        manifest["precision"] = low[0].to_dict() | {"measured": dict(measured or {})}
    manifest |= {"accuracy": accuracy and accuracy.to_dict(), "latency": latency and latency.to_dict()}
    with new_folder(out) as folder:
        exact = bundle_graphs(model, form)
        manifest["files"] = _write_graphs(exact if low is None else low[1], folder)
        bundle = _written(folder, manifest)
        network = BundleNetwork(bundle)
        compared = network if low is None else GraphNetwork(model.spec, exact)
        parity = compare_exported(model, compared, bundle.settings, sequence)
        parity.check("PyTorch and the exported graphs")
        selftest = selftest_record(network, bundle.settings, model.spec)
        manifest |= {"parity": parity.to_dict(), "selftest": selftest}
        _written(folder, manifest)
        check_place(out)  # again: it took a while
    return out


def check_place(out: Path) -> None:
    """Raises `UsageError` unless `out` is free, an empty folder, or a bundle and nothing else."""
    if out.exists() and not out.is_dir():
        raise UsageError(f"A bundle is a folder, but {out} is a file. Choose another place with --out.")
    found = {path.name for path in out.iterdir()} if out.is_dir() else set()
    known = _bundle_files(out)
    if found and not (known and found <= known):
        strange = ", ".join(sorted(found - (known or {MANIFEST}))[:3]) or f"no readable {MANIFEST}"
        raise UsageError(
            f"{out} is not empty and not only a bundle ({strange}), so it is not replaced. "
            "Choose another place with --out, or empty it."
        )


def _bundle_files(folder: Path, *, cascade: bool = True) -> set[str]:
    """What belongs to the bundle in `folder`, of a cascade its trackers' bundles; empty where there is none.

    Args:
        cascade: It may be one; in a cascade there is none.
    """
    try:
        manifest = read_manifest(folder)
    except FileError:
        return set()
    if manifest["format_version"] == CASCADE_VERSION:
        return {MANIFEST, *(name for name in MEMBERS if _is_only_bundle(folder / name))} if cascade else set()
    return {MANIFEST} | listed_files(manifest)


def _is_only_bundle(folder: Path) -> bool:
    known = _bundle_files(folder, cascade=False) if folder.is_dir() and not folder.is_symlink() else set()
    return bool(known) and {path.name for path in folder.iterdir()} <= known


def _write_graphs(graphs: Mapping[str, bytes], folder: Path) -> dict[str, Any]:
    """The graphs' entries for `bundle.json`."""
    for name, graph in graphs.items():
        (folder / name).write_bytes(graph)
    return {path.name: file_entry(path) for path in sorted(folder.iterdir())}


def _about(model: Tracker, settings: LoopSettings, form: Form) -> dict[str, Any]:
    spec = model.spec
    return {
        "spec_id": spec.id,
        "weights_id": spec.weights_id,
        "spec": spec.to_dict(),
        "form": form,
        **constants(spec, settings, form),
        "notes": constant_notes(spec, form),
        "memory": list(memory_names(model)),
        "versions": {"compress": compress.__version__, "opset": OPSET}
        | {module.__name__: str(module.__version__) for module in (torch, onnxruntime, np, cv2)},
    }


def _written(folder: Path, manifest: dict[str, Any]) -> Bundle:
    """Write `bundle.json`, and read the whole bundle as whoever receives it will."""
    write_file(folder / MANIFEST, json.dumps(manifest, indent=2, ensure_ascii=False, allow_nan=False) + "\n")
    return open_bundle(folder)
