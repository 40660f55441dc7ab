"""The valid files that mutants are made of, each set in a folder: made by the package itself, small."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import cache
from pathlib import Path
from types import SimpleNamespace
from typing import Any

TRACKER = "fuzz-tiny"
"""A tracker small enough that its files are mostly structure; registered where mutants run."""


def register_tracker() -> None:
    """Enter `TRACKER` among the named ones."""
    from compress.core import TRACKERS
    from compress.testing.small_trackers import SPEC

    if TRACKER not in TRACKERS:
        TRACKERS.register(TRACKER, lambda: SPEC)


def checkpoints(folder: Path) -> None:
    """`plain.pth` in both forms of torch.save, `legacy.pth`, and `plain.safetensors`."""
    import torch

    from compress.models import save_weights

    model = _model()
    torch.save({"net": model.state_dict(), "epoch": 3}, folder / "plain.pth")
    torch.save({"net": model.state_dict(), "epoch": 3}, folder / "legacy.pth", _use_new_zipfile_serialization=False)
    save_weights(model, folder / "plain.safetensors")
    frames(folder)


def training(folder: Path) -> None:
    """`run`: a training stopped after its first steps."""
    from compress.core import describe
    from compress.data import open_source
    from compress.distill import train_teacher
    from compress.distill.teacher_recipe import TeacherRecipe

    state, kept = folder / "run" / "state.safetensors", folder / "kept"

    def keep(text: str, share: float, figures: Any = None) -> None:
        if state.is_file() and not kept.is_file():
            shutil.copy(state, kept)

    recipe = TeacherRecipe(steps=6, batch=2, warmup=1)
    source = open_source("generated")
    train_teacher(describe(TRACKER), recipe, source, out=folder / "run", workers=0, progress=keep, save_every=0.0)
    if kept.is_file():
        kept.replace(state)


def bundles(folder: Path) -> None:
    """`static`, `renewing` and `adaptive`, as `compress export` writes them, and frames to run them on."""
    import torch
    from torch import nn

    from compress.core import BypassSpec, ExitSpec, HeadSpec, LayerSpec
    from compress.export import export_bundle
    from compress.models import build
    from compress.testing.small_trackers import SPEC

    layers = tuple(LayerSpec(source=i, mlp_hidden=48) for i in range(2))
    static = replace(SPEC, layers=layers, head=HeadSpec(channels=16))
    renewing = replace(
        static,
        layers=tuple(replace(layer, attention="asymmetric") for layer in layers),
        head=HeadSpec(kind="tokens", bins=24, score=True),
        online_templates=1,
    )
    adaptive = replace(static, bypass=BypassSpec(n_enf=1), exits=(ExitSpec(1), ExitSpec(2)))
    for name, spec in (("static", static), ("renewing", renewing), ("adaptive", adaptive)):
        torch.manual_seed(0)
        model = build(spec).eval()
        for module in model.modules():
            if isinstance(module, nn.Linear | nn.Conv2d):
                nn.init.kaiming_normal_(module.weight)
        export_bundle(model, folder / name, sequence=_sequence(), provenance={"teacher": TRACKER}, name=name)
    frames(folder)
    _write(folder / "thresholds.json", {"spec": adaptive.to_dict(), "variant": "v000"})
    _write(folder / "spec.json", {"spec": renewing.to_dict()})


def frames(folder: Path) -> None:
    """`data/a` and `data/b`: folders of three small frames with annotations; `png`, `jpg` …: frames of each format."""
    import cv2

    pictures = _sequence().frames[:3]
    for name, ending in (("data/a", "png"), ("data/b", "jpg"), ("webp", "webp"), ("tif", "tif"), ("bmp", "bmp")):
        (folder / name).mkdir(parents=True)
        for i, picture in enumerate(pictures):
            cv2.imwrite(str(folder / name / f"{i + 1:08d}.{ending}"), picture[..., ::-1])
        (folder / name / "groundtruth.txt").write_text("".join(f"{60 + 4 * i},{50 + 2 * i},48,36\n" for i in range(3)))
    (folder / "data" / "a" / "absence.label").write_text("0\n0\n0\n")
    (folder / "data" / "a" / "cover.label").write_text("8\n8\n8\n")


def videos(folder: Path) -> None:
    """`film.mp4`, `.avi` and `.mkv` of ten frames, beside the bundles."""
    import cv2

    bundles(folder)
    for name, codec in (("film.mp4", "mp4v"), ("film.avi", "MJPG"), ("film.mkv", "MJPG")):
        writer = cv2.VideoWriter(str(folder / name), cv2.VideoWriter.fourcc(*codec), 25, (240, 160))
        for frame in _sequence().frames:
            writer.write(frame[..., ::-1])
        writer.release()


def kits(folder: Path) -> None:
    """`kit` with times as a quiet device gives them (`results.json`), and `tensorrt` likewise."""
    from compress.core import HeadSpec, LayerSpec, TrackerSpec
    from compress.measure import Coverage
    from compress.measure.kit.request import Request
    from compress.measure.kit.writing import emit_kit
    from compress.measure.remote_profiles import Device

    layers = tuple(LayerSpec(source=i, mlp_hidden=256) for i in range(4))
    tiny = TrackerSpec(
        dim=64, heads=4, layers=layers, template_size=32, search_size=64, head=HeadSpec(channels=16)
    )  # fmt: skip
    coverage = replace(Coverage.of(tiny), attn_dims=(), mlp_dims=())
    request = Request(Device.of("board"), tiny, coverage, provider="cpu")
    with _home(folder / "cache"):
        emit_kit(request, folder / "kit")
    kit = json.loads((folder / "kit" / "kit.json").read_text())
    _results(folder / "kit", kit, request)
    # The same networks under TensorRT; its graphs are not needed to read its results.
    schedule = {"rounds": 2, "dropped": 3, "timed": 20, "attempts": 1, "seed": 0}
    other = kit | {"target": "agx:tensorrt-fp16", "runtime": "tensorrt", "precision": "fp16", "schedule": schedule}
    (folder / "tensorrt").mkdir()
    _results(folder / "tensorrt", resealed_kit(other), request)
    # One that is measured in no time.
    few = kit | {"batches": [kit["batches"][0][:2]], "schedule": kit["schedule"] | {"rounds": 2, "attempts": 1}}
    shutil.copytree(folder / "kit" / "graphs", folder / "few" / "graphs")
    _write(folder / "few" / "kit.json", resealed_kit(few))


def resealed_kit(kit: dict[str, Any]) -> dict[str, Any]:
    """The kit under the id that its content has."""
    from compress.measure.kit.writing import kit_id

    return {name: value for name, value in kit.items() if name != "id"} | {"id": kit_id(kit)}


def sealed(text: str) -> bytes:
    """A body of results with its checksum."""
    data = text.encode("utf-8", "surrogatepass")
    return b'{"sha256":"' + hashlib.sha256(data).hexdigest().encode() + b'","body":' + data + b"}\n"


def _results(folder: Path, kit: dict[str, Any], request: Any) -> None:
    """Times that follow the networks' work, with a little noise, none of them twice."""
    import numpy as np

    from compress.core.cost import macs

    _write(folder / "kit.json", kit)
    plan, rng = kit["schedule"], np.random.default_rng(0)
    work = [0.3 + 2e-7 * macs(spec).per_frame for spec, _ in request.calls[0]]
    noise = 1 + 0.01 * rng.random((len(work) + 1, plan["rounds"], plan["timed"]))
    times = noise * np.array([*work, 0.0])[:, None, None] + 0.2 * noise[::-1]
    body: dict[str, Any] = {"format": "compress-results", "version": 1, "kit": kit["id"], "runtime": "onnxruntime 1.20"}
    body |= {"seconds": 100.0, "conditions": {}}
    if "tensorrt" in kit["target"]:
        rows = [
            {"batch": 0, "round": i, "call": c, "times": [{"latencyMs": ms} for ms in times[c, i].tolist()]}
            for i in range(plan["rounds"])
            for c in range(len(work))
        ]
        host = {"device": "agx", "conditions": {}, "loop": times[-1].tolist()}
        body |= {"format": "compress-results-tensorrt", "runtime": "TensorRT 8502", "host": host, "visits": rows}
        del body["conditions"]
    else:
        body |= {"device": "a board", "threads": 1, "batches": [times.tolist()]}
    (folder / "results.json").write_bytes(sealed(json.dumps(body, separators=(",", ":"))))


def profiles(folder: Path) -> None:
    """Kept profiles of a device and of this host, under `cache`."""
    from compress.core import describe
    from compress.latency import save_profile
    from compress.measure.remote_profiles import Device, keep_device_profile
    from compress.testing.recorded_profile import keep_recorded_profile, recorded_profile

    with _home(folder / "cache"):
        spec = describe(TRACKER)
        device = keep_device_profile(Device.of("board"), replace(recorded_profile(spec), target="board"))
        host = keep_recorded_profile(spec)
    device.replace(folder / "device.yaml")
    host.replace(folder / "host.yaml")
    _write(folder / "places.json", {"device": device.name, "host": host.name})
    save_profile(recorded_profile(spec), folder / "check.yaml")


def spaces(folder: Path) -> None:
    """`space.yaml`, as the one that ships."""
    from compress.core.files import shipped

    for name in ("ostrack", "full"):
        shutil.copy(shipped("search_spaces") / f"{name}.yaml", folder / f"{name}.yaml")


def runs(folder: Path) -> None:
    """`run`: a search with a static front, a variant with exits and a fine-tuned one; `plan`: nothing trained."""
    from compress.archive import CurveFile, store_finetuned
    from compress.driver.search import search
    from compress.driver.study import closing_study, open_study
    from compress.testing.synthetic_run import RECORDS, finetuned, with_exits, write_synthetic_run

    run, later = write_synthetic_run(folder / "run", (*RECORDS, with_exits(9))), finetuned(RECORDS[1])
    study = open_study(run, sampler="random", seed=0)
    with closing_study(study):
        store_finetuned(study, later)
    for step in range(1, 6):
        CurveFile(run, later.variant).add(step, {"loss": 3.0 / step, "iou": 0.1 * step})
    _write(run / "environment.json", {"compress": "0.1", "python": "3.11", "cpus": 2, "training_device": "cpu"})
    (folder / "space.yaml").write_text(_SPACE)
    search(**PLAN | {name: str(folder / PLAN[name]) for name in ("space", "out")})


PLAN: dict[str, Any] = {"teacher": "ostrack256", "target": "agx", "speedup": 1.5, "space": "space.yaml", "out": "plan"}
_SPACE = "description: small\nknobs:\n  depth: [2, 3, 4]\n  mlp_ratio: [1, 2]\n"


def trained(folder: Path) -> None:
    """`run`: trained variants with weights, one of them with exits, and the data that they were scored on."""
    from compress.testing.trained_run import write_trained_run

    frames(folder)
    write_trained_run(folder / "run", "folder:in/data")


def searches(folder: Path) -> None:
    """`run`: a search that ended, with what it keeps in `cache`, and all that it was given."""
    from compress.core import describe
    from compress.driver.search import search
    from compress.measure import Coverage
    from compress.models import save_weights
    from compress.spaces import load_space
    from compress.testing.recorded_profile import keep_recorded_profile

    frames(folder)
    (folder / "space.yaml").write_text(_SPACE)
    save_weights(_model(), folder / "teacher.safetensors")
    with _home(folder / "cache"):
        spec = describe(TRACKER)
        keep_recorded_profile(spec, Coverage.of_space(spec, load_space(folder / "space.yaml")))
        search(**SEARCH | {name: str(folder / SEARCH[name]) for name in ("space", "weights", "out")}, **_data(folder))


SEARCH: dict[str, Any] = {
    "teacher": TRACKER, "target": "cpu", "speedup": 0.5, "trials": 2, "generation": 2, "steps": 4, "pool": 64,
    "space": "space.yaml", "weights": "teacher.safetensors", "out": "run",
}  # fmt: skip


def _data(folder: Path) -> dict[str, str]:
    return dict.fromkeys(("data", "train_data"), f"folder:{folder / 'data'}")


SETS: dict[str, Callable[[Path], None]] = {
    each.__name__: each
    for each in (checkpoints, training, bundles, frames, videos, kits, profiles, spaces, runs, trained, searches)
}


def made(name: str, root: Path) -> Path:
    """The folder of a set under `root`, made there by the first that asks for it."""
    from compress.testing.shared import Shared

    return Shared(root).folder(name, SETS[name])


@contextmanager
def _home(folder: Path) -> Iterator[None]:
    before = os.environ.get("COMPRESS_HOME")
    os.environ["COMPRESS_HOME"] = str(folder)
    try:
        yield
    finally:
        os.environ.pop("COMPRESS_HOME")
        os.environ.update({} if before is None else {"COMPRESS_HOME": before})


@cache
def _model() -> Any:
    from compress.testing.small_trackers import SPEC, awake

    return awake(SPEC)


class _Sequence(SimpleNamespace):
    def __len__(self) -> int:
        return len(self.frames)

    def frame(self, index: int) -> Any:
        return self.frames[index]


@cache
def _sequence() -> Any:
    import numpy as np

    from compress.runtime.selftest import INIT, selftest_frames

    found = selftest_frames(seed=3)
    return _Sequence(name="square", boxes=np.array([INIT] * len(found)), frames=found)


def _write(path: Path, value: Any) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(value))
