"""The worker: runs a `TrialJob` with nothing else than the store, in whichever process or host an executor calls it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import lru_cache, partial
from math import isfinite
from pathlib import Path
from time import perf_counter

import torch

from compress.core import CompressError, FileError, InterruptedRun, Store, TrackerSpec, UsageError
from compress.core.files import work_home
from compress.core.phases import collected, rounded
from compress.core.progress import Progress, no_progress
from compress.distill import pick_device
from compress.driver.blockwise.library import LayerLibrary
from compress.driver.failures import fault_of, is_disk_full, within_time
from compress.driver.jobs import TrainingSetup, TrialJob, TrialResult
from compress.driver.shared_weights import SharedWeights
from compress.driver.students import Students
from compress.driver.teacher import load_kept_teacher
from compress.driver.training_pairs import TrainingPairs
from compress.driver.turns import training_turn


def run_job(job: TrialJob, progress: Progress = no_progress, *, most_s: float | None = None) -> TrialResult:
    """Train a student to the job's rung, from what the store has of lower ones; choose exit thresholds; score it.

    Weights and scores are kept in the store, and what it has already is not computed again. The result depends on the
    job alone.

    Args:
        most_s: Seconds that it may take from when all is there that students start from; seen at steps that
            report progress.

    Returns:
        With an `error` where this student cannot be trained: its loss diverges, it has no score that is a number, it
        does not fit into memory, it takes too long, or the program fails on it.

    Raises:
        FileError: the teacher's weights are not in the store, or data changed or is missing.
        UsageError: a job that asks for what there is not.
        OSError: the store cannot be written, as where the disk is full.
    """
    with collected() as seconds:
        result = _run(job, progress, most_s)
    return replace(result, phases=rounded(seconds))


def _run(job: TrialJob, progress: Progress, most_s: float | None) -> TrialResult:
    result, begin = TrialResult(job.trial, job.fidelity, job.spec, 0.0), perf_counter()
    try:
        with training_turn(progress):
            students = students_of(job.setup)
            if needs_preparation(job):
                students.prepare(progress)
            begin = perf_counter()  # what all students need is no part of what this one took
            progress = within_time(progress, most_s)
            spec = _with_thresholds(job, students, progress)
            score = students.score(spec, job.rung, progress)
        if not isfinite(score.accuracy.ao):
            raise CompressError(f"Its AO is {score.accuracy.ao}, which is no number.")
        result = replace(result, spec=spec, accuracy=score.accuracy, paths=score.paths)
    except (UsageError, FileError, InterruptedRun, OSError):
        raise  # about the search as a whole: every other student would end the same
    except CompressError as error:
        result = replace(result, error=str(error))
    except torch.OutOfMemoryError as error:
        result = replace(result, error=f"Its training does not fit into the memory of the device: {error}")
    except MemoryError as error:
        result = replace(result, error=f"Its training does not fit into the memory of this machine: {error}")
    except Exception as error:
        if is_disk_full(error):
            raise
        result = replace(result, error=fault_of(error))
    return replace(result, seconds=round(perf_counter() - begin, 2))


def needs_preparation(job: TrialJob) -> bool:
    """Whether a job needs what `prepare` makes: not where the store has its student already."""
    return not students_of(job.setup).path(job.spec, job.rung).is_file()


def prepare(setup: TrainingSetup, progress: Progress = no_progress) -> None:
    """Put what all students of a setup start from into the store, where it is not: pairs, answers, shared weights.

    Executors that run several jobs at once do this first, with all that the machine has.

    Raises:
        CompressError: the training of shared weights diverged; or as `students_of`.
    """
    with training_turn(progress):
        students_of(setup).prepare(progress)


def students_of(setup: TrainingSetup) -> Students:
    """The students of a setup, with teacher and sequences loaded; the last one asked for stays loaded.

    Raises:
        FileError: the teacher's weights are not in the store, or data changed or is missing.
    """
    return _students(setup, work_home())


@contextmanager
def loaded(setup: TrainingSetup) -> Iterator[Students]:
    """Likewise; at the end nothing stays loaded in this process."""
    try:
        yield students_of(setup)
    finally:
        _students.cache_clear()


@lru_cache(maxsize=1)
def _students(setup: TrainingSetup, store: Path) -> Students:
    device, data = pick_device(setup.device), setup.evaluation.open()
    training, teacher = setup.training.open(), load_kept_teacher(setup.teacher)
    pool = TrainingPairs(setup, training, teacher, device)
    return Students(
        setup=setup,
        teacher=teacher,
        pool=pool,
        shared=None if setup.elastic is None else SharedWeights(setup, teacher, pool, device, Store(store)),
        library=None if setup.blockwise is None else LayerLibrary(setup, teacher, pool, device, Store(store)),
        short=data.sequences("short", keep=True),
        full=data.sequences("search", keep=True),
        device=device,
        store=Store(store),
    )


def _with_thresholds(job: TrialJob, students: Students, progress: Progress) -> TrackerSpec:
    """The job's spec with exit thresholds chosen; as it is where it has none to choose or nothing was learned yet."""
    if job.exits is None or len(job.spec.exits) < 2 or not job.setup.learned(job.rung):
        return job.spec
    ms = partial(job.exits.path_ms, job.spec)
    return students.thresholds(job.spec, job.rung, ms, job.exits.max_ms, progress)
