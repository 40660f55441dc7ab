"""A run directory whose variant v000 can be fine-tuned: the small teacher, a student cut from it, real data."""

from __future__ import annotations

from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import optuna
import yaml

from compress.archive import Record, store_record, store_teacher
from compress.core import Accuracy, Latency, TrackerSpec
from compress.data import open_source
from compress.driver.pair_choice import PairChoice
from compress.driver.study import closing_study, open_study
from compress.models import load_tracker, save_weights, weights_key
from compress.surgery import inherit
from compress.testing.small_teacher import SMALL


def write_finetunable_run(folder: Path, weights: str, data: str, **settings: Any) -> Path:
    """v000 is the teacher's layers 0, 2 and 4 as they are; v001 was too slow to be trained.

    The teacher's name must be registered, see `small_teacher.registered`.

    Args:
        weights: Of the teacher.
        data: What students were scored on.
        settings: Of the search, over those that this writes.
    """
    folder.mkdir(parents=True)
    teacher = load_tracker(SMALL, weights)
    spec = _student(teacher.spec)
    student = inherit(teacher, spec, mlp_rank="leading")
    fingerprints = {"weights": weights_key(teacher), "data": open_source(data).fingerprint}
    config = {"teacher": SMALL, "weights": weights, "target": "agx", "speedup": 1.0, "data": data}
    config |= {"train_data": "generated", "pairs": asdict(PairChoice(False, 64, "--pool asks for it")), **settings}
    (folder / "config.yaml").write_text(yaml.safe_dump(config | {"fingerprints": fingerprints}))
    _write_study(folder, teacher.spec, spec)
    save_weights(student, folder / "checkpoints" / f"{spec.weights_id}.safetensors")
    return folder


def _student(teacher: TrackerSpec) -> TrackerSpec:
    return replace(teacher, layers=teacher.layers[::2])


def _write_study(folder: Path, teacher: TrackerSpec, student: TrackerSpec) -> None:
    study = open_study(folder, sampler="random", seed=0)
    rungs = ({"fidelity": "full", "steps": 4, "ao": 0.5, "ao_seq": 0.5},)
    with closing_study(study):
        store_teacher(study, _record("teacher", -1, teacher, 2.0))
        store_record(study.ask(), _record("v000", 0, student, 1.0, rungs=rungs))
        slow = _record("v001", 1, teacher, 3.0, status="rejected", accuracy=None, reason="too slow")
        store_record(study.ask(), slow)
        study.tell(0, (1.0, 0.5))
        study.tell(1, state=optuna.trial.TrialState.PRUNED)


def _record(variant: str, number: int, spec: TrackerSpec, ms: float, **changes: Any) -> Record:
    accuracy = Accuracy(0.5, 0.5, 0.0, 0.5, 0.5, 0.5, 0.5, 0.5, 2, 14)
    latency = Latency(ms, ms, ms, ms, ms, "estimated", 0, 0, 0, "none", "none")
    known: dict[str, Any] = {"status": "done", "fidelity": "full", "accuracy": accuracy, "predicted": latency}
    return Record(variant, number, spec, is_teacher=number < 0, **(known | changes))
