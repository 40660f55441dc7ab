"""Kits: folders that measure a family's profile on a device that has no compress.

A kit holds the graphs that an in-process profile times, without weights, a plan of what to time together, and one
archive that times it with the code that runs here.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

from compress.core import UsageError, warn
from compress.core.files import home
from compress.core.plain import to_plain
from compress.core.progress import Progress, no_progress
from compress.core.writing import new_folder, write_file
from compress.latency import static
from compress.measure.backends import KitRecipe
from compress.measure.budget import budget_of
from compress.measure.kit.measure_pyz import sources_sha256
from compress.measure.kit.request import Request, graphs_of, loop_entry, tracker_entry
from compress.measure.kit.stripped_weights import LOCATION, stripped


def emit_kit(request: Request, folder: Path, *, progress: Progress = no_progress) -> str:
    """Write a kit to a new folder, and its plan to `$COMPRESS_HOME/kits`, where its results are held against it.

    Returns:
        The kit's id.

    Raises:
        UsageError: the folder is there and not empty, or fewer than one thread or two rounds.
    """
    _check(request, folder)
    with new_folder(folder) as made:
        kit = _write(request, made, progress)
        _check(request, folder)  # again, since drawing the graphs took a while
    _keep_plan(kit, folder)
    return str(kit["id"])


def _keep_plan(kit: dict[str, Any], folder: Path) -> None:
    try:
        write_file(kept_kit(kit["id"]), json.dumps(kit))
    except OSError as error:
        warn(
            f"The kit's plan could not be kept at {kept_kit(kit['id'])} ({error.strerror or error}). Keep {folder}, "
            "and name it with --kit when you ingest its results."
        )


def kept_kit(id: str) -> Path:
    """Where the plan of a kit is kept."""
    return home() / "kits" / f"{id}.json"


def kit_id(kit: dict[str, Any]) -> str:
    """Hash of everything else in kit.json, which holds hashes of the kit's other files."""
    rest = {name: value for name, value in kit.items() if name != "id"}
    return "k" + hashlib.sha256(json.dumps(rest, sort_keys=True).encode()).hexdigest()[:16]


def _check(request: Request, folder: Path) -> None:
    if request.threads < 1 or request.rounds < 2:
        raise UsageError(
            f"A kit needs at least one thread and two rounds, but was asked for {request.threads} and {request.rounds}."
        )
    _provider(request)
    request.device.recipe.check(adaptive=request.coverage.decides, threads=request.threads)
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise UsageError(f"{folder} is there and not empty. Name a new folder for the kit.")


def _provider(request: Request) -> str:
    known = request.device.recipe.providers
    if request.provider == "auto":
        return known[0]
    if request.provider not in known:
        raise UsageError(
            f"{request.device.target} is measured with the provider {' or '.join(known)}, but {request.provider} was "
            "asked for. Leave --provider out."
        )
    return request.provider


def _write(request: Request, folder: Path, progress: Progress) -> dict[str, Any]:
    recipe = request.device.recipe
    graphs, weights_bytes = _write_graphs(request, recipe, folder, progress)
    scripts = {name: _put(folder / name, data) for name, data in recipe.scripts().items()}
    kit = {
        "format": "compress-kit",
        "version": 2,
        "target": request.device.target,
        "runtime": request.device.runtime,
        "precision": request.device.precision,
        "provider": _provider(request),
        "threads": request.threads,
        "teacher": request.teacher.to_dict(),
        "coverage": to_plain(request.coverage),
        "schedule": recipe.schedule(budget_of(static(request.teacher)), request.rounds),
        "loop": loop_entry(request.teacher),
        "batches": to_plain(request.batches),
        "trackers": {spec.id: tracker_entry(spec, request.teacher) for spec in request.specs},
        "graphs": graphs,
        "weights": {"file": f"graphs/{LOCATION}", "bytes": weights_bytes},
        "code": sources_sha256(),
    }
    kit["id"] = kit_id(kit)
    (folder / "kit.json").write_text(json.dumps(kit, indent=1) + "\n", encoding="utf-8")
    (folder / "README.txt").write_text(_README.format(run=recipe.run, needs=recipe.needs, **kit), encoding="utf-8")
    sums = scripts | {graph["file"]: graph["sha256"] for graph in graphs.values()}
    for name, text in recipe.lists(kit, sums).items():
        _put(folder / name, text.encode())
    return kit


def _write_graphs(
    request: Request, recipe: KitRecipe, folder: Path, progress: Progress
) -> tuple[dict[str, dict[str, str]], int]:
    """Entries of the graphs by name, and the bytes that weights of the largest need."""
    (folder / "graphs").mkdir()
    graphs, weights_bytes = {}, 0
    for name, graph in graphs_of(request, recipe, progress):
        light, size = stripped(graph)
        weights_bytes = max(weights_bytes, size)
        graphs[name] = {"file": f"graphs/{name}.onnx", "sha256": _put(folder / "graphs" / f"{name}.onnx", light)}
    return graphs, weights_bytes


def _put(path: Path, data: bytes) -> str:
    path.write_bytes(data)
    return hashlib.sha256(data).hexdigest()


_README = """\
Kit {id} measures the target {target}.

On the device: {run}
{needs}
Stop what else runs on the device, and set the power mode you deploy with, before you start it.

Back where the kit was written: compress profile ingest results.json
"""
