"""Writing a bundle: graphs and `bundle.json` in one folder, verified before it takes its place."""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
import onnxruntime
import torch

import compress
from compress.core import Accuracy, FileError, Latency, UsageError
from compress.core.files import write_text
from compress.export.graphs import OPSET, frame_graph, memory_names, template_graph
from compress.export.parity import compare
from compress.models import NumpyNetwork, Tracker
from compress.runtime import Bundle, BundleNetwork, open_bundle
from compress.runtime.manifest import FORMAT, FORMAT_VERSION, GRAPHS, MANIFEST, constants, file_entry, read_manifest
from compress.runtime.selftest import selftest_record

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
    accuracy: Accuracy | None = None,
    latency: Latency | None = None,
) -> Path:
    """Write `model` as a bundle at `out`; an older bundle there is replaced whole, or not at all.

    Args:
        sequence: PyTorch and onnxruntime must find the same boxes on it.
        provenance: Where the weights come from, in plain JSON types.
        threads: onnxruntime's threads that the bundle asks for.

    Raises:
        UsageError: `out` holds something that is no bundle.
        CompressError: PyTorch and onnxruntime do not agree.
        OSError: the place cannot be written.
    """
    out = Path(out).absolute()
    check_place(out)
    manifest = _manifest(model, name=name, threads=threads, provenance=provenance, accuracy=accuracy, latency=latency)
    with _whole_folder(out) as folder:
        (folder / "template.onnx").write_bytes(template_graph(model))
        (folder / "frame.onnx").write_bytes(frame_graph(model))
        manifest["files"] = {graph: file_entry(folder / graph) for graph in GRAPHS}
        bundle = _written(folder, manifest)
        network = BundleNetwork(bundle)
        parity = compare(NumpyNetwork(model), network, bundle.settings, sequence)
        parity.check("PyTorch and the exported graphs")
        manifest |= {"parity": parity.to_dict(), "selftest": selftest_record(network, bundle.settings)}
        _written(folder, manifest)
    return out


def check_place(out: Path) -> None:
    """Raises `UsageError` unless `out` is free, an empty folder, or a bundle and nothing else."""
    if out.is_symlink() or (out.exists() and not out.is_dir()):
        raise UsageError(f"A bundle is a folder, but {out} is a file or a link. Choose another place with --out.")
    found = {path.name for path in out.iterdir()} if out.is_dir() else set()
    if found and not (found <= {MANIFEST, *GRAPHS} and _is_bundle(out)):
        strange = ", ".join(sorted(found - {MANIFEST, *GRAPHS})[:3]) or f"no readable {MANIFEST}"
        raise UsageError(
            f"{out} is not empty and not only a bundle ({strange}), so it is not replaced. "
            "Choose another place with --out, or empty it."
        )


def _is_bundle(folder: Path) -> bool:
    try:
        return bool(read_manifest(folder))
    except FileError:
        return False


def _manifest(
    model: Tracker,
    *,
    name: str,
    threads: int,
    provenance: dict[str, Any],
    accuracy: Accuracy | None,
    latency: Latency | None,
) -> dict[str, Any]:
    spec = model.spec
    return {
        "format": FORMAT,
        "format_version": FORMAT_VERSION,
        "name": name,
        "spec_id": spec.id,
        "weights_id": spec.weights_id,
        "spec": spec.to_dict(),
        **constants(spec),
        "memory": list(memory_names(model)),
        "threads": threads,
        "provenance": provenance,
        "accuracy": accuracy and accuracy.to_dict(),
        "latency": latency and latency.to_dict(),
        "versions": {"compress": compress.__version__, "opset": OPSET}
        | {module.__name__: str(module.__version__) for module in (torch, onnxruntime, np, cv2)},
    }


def _written(folder: Path, manifest: dict[str, Any]) -> Bundle:
    """Write `bundle.json`, and read the whole bundle as whoever receives it will."""
    write_text(folder / MANIFEST, json.dumps(manifest, indent=2, ensure_ascii=False, allow_nan=False) + "\n")
    return open_bundle(folder)


@contextmanager
def _whole_folder(out: Path) -> Iterator[Path]:
    """Yield a new folder beside `out`; put it in the place of `out` when the block ends well, remove it otherwise."""
    out.parent.mkdir(parents=True, exist_ok=True)
    workplace = Path(tempfile.mkdtemp(prefix=f".{out.name}.", dir=out.parent))
    fresh, old = workplace / "new", workplace / "old"
    try:
        fresh.mkdir()
        yield fresh
        check_place(out)
        if out.exists():
            out.rename(old)
        try:
            fresh.rename(out)
        except BaseException:
            if old.exists():
                old.rename(out)
            raise
    finally:
        shutil.rmtree(workplace, ignore_errors=True)
