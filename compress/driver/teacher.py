"""The teacher of a search: its weights in the store, its score, and its record in the study."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

import optuna

from compress.archive import Record, store_teacher
from compress.core import FileError, Store, TrackerSpec
from compress.core.cost import macs, parameters
from compress.core.progress import Progress
from compress.driver.jobs import TeacherWeights
from compress.driver.students import Students
from compress.driver.turns import training_turn
from compress.latency import LatencyModel
from compress.models import Tracker, build, load_weights, save_weights, weights_key

_SUFFIX = ".safetensors"


def keep_teacher(model: Tracker) -> TeacherWeights:
    """Put the weights of a teacher into the store, unless they are there whole, so that workers find them."""
    kept = TeacherWeights(model.spec, weights_key(model))
    Store().get("teachers", kept.weights, read=partial(_whole, kept), make=partial(save_weights, model), suffix=_SUFFIX)
    return kept


def load_kept_teacher(kept: TeacherWeights) -> Tracker:
    """The teacher with its weights from the store, in eval mode.

    Raises:
        FileError: the store has no such weights, or others under their name.
    """
    store = Store()
    model = store.find("teachers", kept.weights, read=partial(_read, kept.spec), suffix=_SUFFIX)
    if model is None:
        raise FileError(
            f"The teacher's weights {kept.weights} are not in {store.root / 'teachers'}. Run the search where they "
            "are, or share one COMPRESS_HOME among all that work for it."
        )
    if weights_key(model) != kept.weights:
        path = store.path("teachers", kept.weights, _SUFFIX)
        raise FileError(f"{path} does not hold the weights that it is named after. Remove it and search again.")
    return model


def record_teacher(
    study: optuna.Study, students: Students, model: LatencyModel, progress: Progress, log: Callable[[str], None]
) -> Record:
    """The teacher's record in the study; where it has none, the teacher is scored at the last rung first."""
    kept = study.user_attrs.get("teacher")
    if kept is not None:
        record = Record.from_attrs(kept)
        return replace(record, predicted=model.predict(record.spec, record.paths))
    spec = students.teacher.spec
    with training_turn(progress):
        score = students.score_teacher(len(students.setup.rungs) - 1, progress)
    predicted, cost = model.predict(spec, score.paths), macs(spec)
    record = Record(
        variant="teacher",
        number=-1,
        spec=spec,
        status="done",
        fidelity="full",
        accuracy=score.accuracy,
        paths=score.paths,
        predicted=predicted,
        params=parameters(spec),
        macs=cost.full,
        macs_per_frame=cost.per_frame,
        is_teacher=True,
    )
    store_teacher(study, record)
    log(f"teacher: AO {score.accuracy.ao:.4f}, {predicted.provenance} {predicted.mean_ms:.3f} ms")
    return record


def _whole(kept: TeacherWeights, path: Path) -> bool | None:
    """True where the file holds what its name says; None where it is damaged, so that it is made anew."""
    try:
        return weights_key(_read(kept.spec, path)) == kept.weights or None
    except FileError:
        return None


def _read(spec: TrackerSpec, path: Path) -> Tracker:
    model = build(spec).eval()
    load_weights(model, path)
    return model
