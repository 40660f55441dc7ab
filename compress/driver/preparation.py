"""What a search works with, made from its settings before the loop runs."""

from __future__ import annotations

from dataclasses import dataclass

from compress.core.progress import Progress
from compress.data import DataReference
from compress.distill import StudentRecipe
from compress.driver.evaluation_data import pool_size, rungs_of
from compress.driver.jobs import TrainingSetup
from compress.driver.settings import SearchSettings
from compress.driver.students import Students
from compress.driver.teacher import keep_teacher
from compress.latency import LatencyModel
from compress.measure import Coverage, Target
from compress.models import Tracker
from compress.spaces import Space


@dataclass(frozen=True)
class Inputs:
    """Everything that the settings of a search name, looked up and found to be there.

    Attributes:
        evaluation, training: What students are scored on, and distilled on.
    """

    target: Target
    space: Space
    teacher: Tracker
    evaluation: DataReference
    training: DataReference


def training_setup(config: SearchSettings, inputs: Inputs) -> TrainingSetup:
    """What all jobs of a search have in common; puts the teacher's weights into the store."""
    teacher = inputs.teacher.spec
    return TrainingSetup(
        teacher=keep_teacher(inputs.teacher),
        evaluation=inputs.evaluation,
        training=inputs.training,
        pairs=config.pool or pool_size(teacher, config.steps * StudentRecipe.batch),
        rungs=rungs_of(steps=config.steps, partial=config.partial),
        seed=config.seed,
        mlp_rank=config.mlp_rank,
        device=config.device,
    )


def latency_model(config: SearchSettings, inputs: Inputs, progress: Progress) -> LatencyModel:
    """What predicts the students of the space on the target; on this host measured first, where that is needed."""
    teacher = inputs.teacher.spec
    coverage = Coverage.of_space(teacher, inputs.space)
    return inputs.target.latency_model(teacher, coverage=coverage, threads=config.threads, progress=progress)


def work_of(students: Students) -> tuple[float, ...]:
    """What a job of each rung costs: distillation steps, and as much as one for every 30 frames it is scored on."""
    frames = {short: sum(map(len, students.sequences(short=short))) for short in (True, False)}
    return tuple(rung.steps + frames[rung.short] / 30 for rung in students.setup.rungs)
