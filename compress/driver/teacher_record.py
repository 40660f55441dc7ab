"""The teacher's own score and record in a study."""

from __future__ import annotations

import optuna

from compress.archive import Record, store_teacher
from compress.core import Latency, TrackerSpec
from compress.core.cost import macs, parameters
from compress.core.progress import Progress, no_progress
from compress.driver.scores import Score
from compress.driver.students import Students


def teacher_score(study: optuna.Study, students: Students, progress: Progress = no_progress) -> Score:
    """What the study has, or the score at the last rung, evaluated now unless it was before."""
    kept = study.user_attrs.get("teacher")
    if kept is not None:
        record = Record.from_attrs(kept)
        assert record.accuracy is not None
        return Score(record.accuracy, record.paths)
    return students.score_teacher(len(students.rungs) - 1, progress)


def keep_teacher(study: optuna.Study, spec: TrackerSpec, score: Score, predicted: Latency) -> bool:
    """Store the teacher's record unless the study has one; whether it had none."""
    if "teacher" in study.user_attrs:
        return False
    cost = macs(spec)
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
    return True
