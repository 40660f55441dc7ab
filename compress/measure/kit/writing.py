"""Kits: folders that measure a family's profile on a device that has no compress.

A kit holds the graphs that an in-process profile times, without weights, a plan of what to time together, and one
script that times it with the code that runs here.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import tempfile
from pathlib import Path
from typing import Any

from compress.core import TrackerSpec, UsageError
from compress.core.files import home, write_text
from compress.core.plain import to_plain
from compress.core.progress import Progress, no_progress
from compress.measure.kit.bundling import loop_script, measure_script
from compress.measure.kit.request import PROVIDERS, Request, graphs_of
from compress.measure.kit.stripped_weights import LOCATION, stripped
from compress.measure.kit.tensorrt import TIMED, shell_files, shell_script
from compress.measure.stacks.timing_plan import Plan
from compress.measure.timed_frame import FRAME
from compress.measure.timing import ATTEMPTS


def emit_kit(request: Request, folder: Path, *, progress: Progress = no_progress) -> str:
    """Write a kit to a new folder, and its plan to `$COMPRESS_HOME/kits`, where its results are held against it.

    Returns:
        The kit's id.

    Raises:
        UsageError: the folder is there and not empty, or fewer than one thread or two rounds.
    """
    _check(request, folder)
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f".{folder.name}.", dir=folder.parent) as temporary:
        made = Path(temporary) / "kit"
        made.mkdir()
        kit = _write(request, made, progress)
        if folder.exists():
            folder.rmdir()
        shutil.move(made, folder)
    write_text(kept_kit(kit["id"]), json.dumps(kit))
    return str(kit["id"])


def kept_kit(id: str) -> Path:
    """Where the plan of a kit is kept."""
    return home() / "kits" / f"{id}.json"


def kit_id(kit: dict[str, Any]) -> str:
    """Hash of everything else in kit.json, which holds hashes of the kit's other files."""
    rest = {name: value for name, value in kit.items() if name != "id"}
    return "k" + hashlib.sha256(json.dumps(rest, sort_keys=True).encode()).hexdigest()[:16]


def _check(request: Request, folder: Path) -> None:
    if request.threads < 1 or request.rounds < 2 or request.provider not in PROVIDERS:
        raise UsageError(
            f"A kit needs a thread, two rounds and a provider of {', '.join(PROVIDERS)}, but was asked for "
            f"{request.threads}, {request.rounds} and {request.provider}."
        )
    if request.device.precision == "int8" and request.provider != "cpu":
        raise UsageError("int8 is measured on CPUs, and other providers were asked for. Leave --provider out.")
    if request.device.runtime == "tensorrt" and (request.coverage.decides or request.threads != 1):
        raise UsageError(
            "Under TensorRT static trackers are measured, with one thread around them. Name a search space without "
            "bypass and exits, and leave --threads out."
        )
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise UsageError(f"{folder} is there and not empty. Name a new folder for the kit.")


def _write(request: Request, folder: Path, progress: Progress) -> dict[str, Any]:
    (folder / "graphs").mkdir()
    graphs, weights_bytes = {}, 0
    for name, graph in graphs_of(request, progress):
        slim, size = stripped(graph)
        weights_bytes = max(weights_bytes, size)
        graphs[name] = {"file": f"graphs/{name}.onnx", "sha256": _put(folder / "graphs" / f"{name}.onnx", slim)}
    kit = {
        "format": "compress-kit",
        "version": 1,
        "target": request.device.target,
        "runtime": request.device.runtime,
        "precision": request.device.precision,
        "provider": request.provider,
        "threads": request.threads,
        "teacher": request.teacher.to_dict(),
        "coverage": to_plain(request.coverage),
        "schedule": _schedule(request),
        "loop": _loop(request.teacher),
        "batches": request.steps,
        "graphs": graphs,
        "weights": {"file": f"graphs/{LOCATION}", "bytes": weights_bytes},
        "scripts": {name: _put(folder / name, text.encode()) for name, text in _scripts(request).items()},
    }
    kit["id"] = kit_id(kit)
    (folder / "kit.json").write_text(json.dumps(kit, indent=1) + "\n", encoding="utf-8")
    (folder / "README.txt").write_text(_README.format(needs=_NEEDS[request.device.runtime], **kit), encoding="utf-8")
    if request.device.runtime == "tensorrt":
        sums = kit["scripts"] | {g["file"]: g["sha256"] for g in graphs.values()}
        for name, text in shell_files(kit, sums).items():
            _put(folder / name, text.encode())
    return kit


def _scripts(request: Request) -> dict[str, str]:
    if request.device.runtime == "tensorrt":
        return {"measure.sh": shell_script(), "host_loop.py": loop_script()}
    return {"measure.py": measure_script()}


def _schedule(request: Request) -> dict[str, int]:
    budget = Plan.of(request.teacher, request.coverage).budget
    if request.device.runtime == "tensorrt":
        return {"rounds": request.rounds, "dropped": budget.dropped, "timed": TIMED, "attempts": 1, "seed": 0}
    counts = {"rounds": request.rounds, "dropped": budget.dropped, "timed": budget.timed}
    return counts | {"attempts": ATTEMPTS, "seed": 0}


def _loop(teacher: TrackerSpec) -> dict[str, Any]:
    about = {"search_size": teacher.search_size, "search_factor": teacher.search_factor, "grid": teacher.grid}
    return {"frame": list(FRAME), "maps": {name: list(shape) for name, shape in teacher.maps.items()}, **about}


def _put(path: Path, data: bytes) -> str:
    path.write_bytes(data)
    return hashlib.sha256(data).hexdigest()


_NEEDS = {
    "onnxruntime": """\
On the device: python3 measure.py
It needs Python 3.8 or newer with numpy and onnxruntime, uses OpenCV where it is installed, and writes results.json.""",
    "tensorrt": """\
On the device: sh measure.sh
It needs trtexec, sha256sum, and Python 3.8 or newer with numpy, uses OpenCV where it is installed, and writes
results.json. It loads an engine for each of the lines of visits.txt, which takes a few seconds each.""",
}

_README = """\
Kit {id} measures the target {target}.

{needs}
Stop what else runs on the device, and set the power mode you deploy with, before you start it.

Back where the kit was written: compress profile ingest results.json
"""
