"""A run directory with one small trained variant that has exits and bypass, and a static one beside it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import optuna
import torch
from torch import nn

from compress.archive import STUDY, Record, storage_url, store_record, store_teacher
from compress.core import Accuracy, BypassSpec, ExitSpec, HeadSpec, Latency, LayerSpec, TrackerSpec
from compress.models import Tracker, build, save_weights

STATIC = TrackerSpec(
    dim=24,
    heads=2,
    layers=tuple(LayerSpec(source=i, mlp_hidden=32) for i in range(4)),
    template_size=32,
    search_size=64,
    head=HeadSpec(channels=8),
)
SPEC = replace(
    STATIC,
    bypass=BypassSpec(n_enf=1),
    exits=(ExitSpec(1, adapter=1), ExitSpec(3), ExitSpec(4)),
)


def lively(spec: TrackerSpec) -> Tracker:
    """Decisions and scores that differ from frame to frame; boxes about the middle, of other sizes at every exit."""
    torch.manual_seed(0)
    model = build(spec).eval()
    for module in model.modules():
        if isinstance(module, nn.Linear):
            nn.init.kaiming_normal_(module.weight)
    for name, parameter in model.named_parameters():
        if name.endswith("score.4.bias") or (".gates." in name and name.endswith("bias")):
            nn.init.zeros_(parameter)
        if name.endswith("conv5_offset.weight"):
            nn.init.zeros_(parameter)
        if name.endswith("conv5_offset.bias"):
            nn.init.ones_(parameter)
        if name.endswith("conv5_size.bias"):
            nn.init.constant_(parameter, 0.2 * int(name.split(".")[1]) - 1.2 if spec.exits else -1.0)
    return model


def write_trained_run(folder: Path, data: str) -> Path:
    """v000 has exits, v001 none; v002 was never trained."""
    folder.mkdir()
    (folder / "config.yaml").write_text(f"teacher: small\ntarget: cpu\nspeedup: 1.0\ndata: {data}\n")
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    storage = optuna.storages.RDBStorage(storage_url(folder))
    study = optuna.create_study(study_name=STUDY, storage=storage, directions=["minimize", "maximize"])
    store_teacher(study, _record("teacher", -1, STATIC))
    for i, spec in enumerate((SPEC, STATIC, replace(SPEC, recycling="a"))):
        trial = study.ask()
        store_record(trial, _record(f"v{i:03d}", i, spec))
        study.tell(trial, (1.0, 0.5))
    storage.remove_session()
    storage.engine.dispose()
    for spec in (SPEC, STATIC):
        save_weights(lively(spec), folder / "checkpoints" / f"{spec.weights_id}.safetensors")
    return folder


def _record(variant: str, number: int, spec: TrackerSpec) -> Record:
    accuracy = Accuracy(0.5, 0.5, 0.0, 0.5, 0.5, 0.5, 0.5, 0.5, 1, 8)
    latency = Latency(1.0, 1.0, 1.0, 1.0, 0.5, "predicted", 1, 0, 1, "none", "none")
    known = {"status": "done", "fidelity": "full", "accuracy": accuracy, "predicted": latency}
    return Record(variant, number, spec, is_teacher=number < 0, **known)  # type: ignore[arg-type]
