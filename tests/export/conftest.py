"""Networks with random weights whose maps are neither flat nor saturated, and a sequence to track."""

import shutil
from collections.abc import Callable
from dataclasses import replace
from functools import cache, partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import cv2
import numpy as np
import optuna
import pytest
import torch
from torch import nn

from compress.archive import STUDY, Record, storage_url, store_record, store_teacher
from compress.core import Accuracy, Latency, TrackerSpec, describe
from compress.export import bundle as bundle_module
from compress.models import Tracker, build
from compress.models.checkpoints.weights import save_weights
from compress.runtime.selftest import INIT, LENGTH, SEED, selftest_frames
from compress.runtime.signatures import Form
from compress.testing.bundle_specs import ADAPTIVE, MIXFORMER, SPLIT
from compress.testing.kept_graphs import kept_graphs
from compress.testing.shared import Shared
from compress.testing.varied_decisions import with_varied_decisions


def _lively(spec: TrackerSpec, seed: int = 0) -> Tracker:
    torch.manual_seed(seed)
    model = build(spec)
    # A LeViT has no layer norm to keep its tokens small.
    gain = "linear" if spec.backbone == "levit" else "relu"
    for module in model.modules():
        if isinstance(module, nn.Linear | nn.Conv2d):
            nn.init.kaiming_normal_(module.weight, nonlinearity=gain)
        if isinstance(module, nn.BatchNorm1d | nn.BatchNorm2d):
            module.running_mean.uniform_(-0.1, 0.1)
            module.running_var.uniform_(0.5, 2.0)
            # A LeViT's last norms start at 0, which would leave its layers out.
            nn.init.uniform_(module.weight, 0.5, 1.5)
            nn.init.uniform_(module.bias, -0.1, 0.1)
    for name, parameter in model.named_parameters():
        if name.endswith("bias.table"):
            nn.init.normal_(parameter)
        if name.endswith("conv5_ctr.bias"):
            nn.init.zeros_(parameter)
    return model.eval()


@pytest.fixture(scope="session")
def lively() -> Callable[..., Tracker]:
    return _lively


class Square(SimpleNamespace):
    def __len__(self) -> int:
        return len(self.boxes)


def _square(seed: int, length: int = LENGTH) -> Square:
    frames = selftest_frames(seed=seed, length=length)
    return Square(name="square", boxes=np.array([INIT] * len(frames)), frame=frames.__getitem__)


@pytest.fixture(scope="session")
def square() -> Any:
    """A sequence of 20 frames."""
    return _square(seed=5, length=20)


@pytest.fixture(scope="session")
def adaptive(square: Any, shared: Shared) -> Callable[[str], Tracker]:
    """One of `ADAPTIVE` that takes several paths on `square`, and is near no tie there, in `data` and in self-tests."""

    def state(name: str) -> dict[str, torch.Tensor]:
        lively = partial(_lively, ADAPTIVE[name])
        return with_varied_decisions(lively, square, _square(seed=5), _square(SEED)).state_dict()

    def made(name: str) -> Tracker:
        model = build(ADAPTIVE[name]).eval()
        model.load_state_dict(shared.value(f"adaptive-{name}", partial(state, name)))
        return model

    return cache(made)


@pytest.fixture(scope="session")
def graphs(adaptive: Callable[[str], Tracker], shared: Shared) -> Callable[[str, Form], dict[str, bytes]]:
    """Its graphs."""
    kept = kept_graphs(shared)
    return cache(lambda name, form: kept(adaptive(name), form))


@pytest.fixture(autouse=True)
def _graphs_once(shared: Shared, monkeypatch: pytest.MonkeyPatch) -> None:
    """Bundles of the same weights hold the same graphs, which are traced once."""
    monkeypatch.setattr(bundle_module, "bundle_graphs", kept_graphs(shared))


@pytest.fixture
def data(tmp_path: Path) -> str:
    """Ten frames in GOT-10k layout, as --data wants them."""
    frames = selftest_frames(seed=5)
    folder = tmp_path / "square"
    folder.mkdir()
    for i, frame in enumerate(frames):
        cv2.imwrite(str(folder / f"{i + 1:08d}.png"), cv2.cvtColor(frame, cv2.COLOR_RGB2BGR))
    line = ",".join(map(str, INIT))
    (folder / "groundtruth.txt").write_text(f"{line}\n" * len(frames))
    return f"folder:{folder}"


@pytest.fixture
def run(lively: Callable[..., Tracker], adaptive: Callable[[str], Tracker], shared: Shared, tmp_path: Path) -> Path:
    """A run with a trained variant, v000, a rejected one, v001, v002, which renews its template, and adaptive v003."""
    models = (lambda: lively(SPLIT), lambda: lively(MIXFORMER), lambda: adaptive("both"))
    made = shared.folder("export-run", lambda folder: _write_run(folder, [make() for make in models]))
    return Path(shutil.copytree(made, tmp_path / "run"))


def _write_run(folder: Path, models: list[Tracker]) -> None:
    (folder / "config.yaml").write_text("teacher: ostrack-nano\ntarget: cpu\nfps: 500\n")
    accuracy = Accuracy(0.5, 0.5, 0.01, 0.6, 0.3, 0.5, 0.6, 0.6, 4, 100)
    latency = Latency(1.0, 1.0, 1.1, 1.2, 0.9, "measured", 100, 10, 1, "onnxruntime", "host")
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    storage = optuna.storages.RDBStorage(storage_url(folder))
    study = optuna.create_study(study_name=STUDY, storage=storage, directions=["minimize", "maximize"])
    store_teacher(study, Record("teacher", -1, describe("ostrack-nano"), "done", accuracy=accuracy, measured=latency))
    records = (
        Record("v000", 0, SPLIT, "done", fidelity="full", accuracy=accuracy, measured=latency),
        Record("v001", 1, replace(SPLIT, heads=4), "rejected", reason="predicted 9 ms"),
        Record("v002", 2, MIXFORMER, "done", fidelity="full", accuracy=replace(accuracy, ao=0.4), measured=latency),
        Record("v003", 3, ADAPTIVE["both"], "done", fidelity="full", accuracy=accuracy, measured=latency),
    )
    for record in records:
        trial = study.ask()
        store_record(trial, record)
        done = record.status == "done"
        state = optuna.trial.TrialState.COMPLETE if done else optuna.trial.TrialState.PRUNED
        study.tell(trial, (1.0, record.accuracy.ao) if done else None, state=state)
    storage.remove_session()
    storage.engine.dispose()
    for model in models:
        save_weights(model, folder / "checkpoints" / f"{model.spec.weights_id}.safetensors")
