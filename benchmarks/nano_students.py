"""Students of ostrack-nano beside its teacher: what several benchmarks distil and score alike."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from compress.data import CachedSequence, DataReference, open_source
from compress.data.generated import generated_sequences
from compress.driver.jobs import Rung, TrainingSetup
from compress.driver.students import Students
from compress.driver.teacher import keep_teacher
from compress.driver.worker import students_of
from compress.evaluate import evaluate
from compress.geometry import LoopSettings
from compress.models import NumpyNetwork, Tracker, load_tracker


def nano_students(steps: int, pairs: int) -> Students:
    """Students of the shipped weights, on one thread of the CPU, distilled for `steps` when they are first asked for.

    Args:
        pairs: Of the pool, from generated sequences.
    """
    torch.set_num_threads(1)
    generated = DataReference.of(open_source("generated"))
    kept = keep_teacher(load_tracker("ostrack-nano"))
    rungs = (Rung("full", steps),)
    return students_of(TrainingSetup(kept, generated, generated, pairs, rungs, seed=0, device="cpu"))


def held_out_sequences(per_difficulty: int) -> list[CachedSequence]:
    """Generated test sequences, so many of each of the 14 difficulties; no pair is drawn from their scenes."""
    return [CachedSequence(each) for each in generated_sequences(split="test", per_difficulty=per_difficulty)]


def overlaps(model: Tracker, sequences: Sequence[CachedSequence]) -> list[float]:
    """AO of each sequence."""
    found = evaluate(NumpyNetwork(model.eval()), LoopSettings.of(model.spec), list(sequences), batch=16)
    return [each.ao for each in found.per_sequence]
