"""Students by rung: inherited, distilled, scored; each kept, so that none is paid for twice.

The store lies outside of the run directory and is keyed by teacher, data and recipe, so a search for another target
finds what an earlier one trained, and a stopped search finds what it had.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path

import torch

from compress.core import InfeasibleError, TrackerSpec
from compress.core.files import home
from compress.core.progress import Progress, no_progress
from compress.data import Sequence
from compress.distill import Pool, StudentRecipe, distill, to_input
from compress.driver.exit_thresholds.exit_scores import exit_scores
from compress.driver.exit_thresholds.selection import Milliseconds, choose
from compress.driver.scores import Score, read_score, write_score
from compress.evaluate import evaluate
from compress.geometry import LoopSettings
from compress.models import NumpyNetwork, Tracker, build, load_weights, save_weights
from compress.runtime.thresholds import with_thresholds
from compress.surgery import Rank, inherit

_CALIBRATION = 64
"""Pairs of the pool that say which units matter when weights are inherited."""


@dataclass(frozen=True)
class Rung:
    """One fidelity: distillation steps on top of the rung before, then scored on `sequences`."""

    fidelity: str
    steps: int
    sequences: list[Sequence]


@dataclass
class Students:
    """Trains and scores students.

    Attributes:
        key: Names teacher weights, pool and data; part of where students are kept.
        mlp_rank: Which hidden units a thinner MLP keeps; see `surgery.inherit`.
        progress: Gives the progress of a distillation at a rung.
    """

    teacher: Tracker
    pool: Callable[[], Pool]
    rungs: list[Rung]
    key: str
    seed: int
    device: torch.device
    mlp_rank: Rank = "importance"
    recipe: StudentRecipe = field(default_factory=StudentRecipe)
    progress: Callable[[Rung], Progress] = lambda rung: no_progress

    def score(self, spec: TrackerSpec, rung: int) -> Score:
        """Accuracy of the student at a rung and the ways it took, trained and scored now unless it was before."""
        # By the whole spec: thresholds change no weights, but what comes of them. Static ones are where they ever were.
        path = self._folder(rung) / f"w{spec.id[1:]}.json"
        known = read_score(path, spec)
        if known is None:
            known = self._evaluate(self.model(spec, rung), self.rungs[rung].sequences)
            write_score(path, known)
        return known

    def score_teacher(self, rung: int, progress: Progress = no_progress) -> Score:
        """Likewise of the teacher."""
        path = self._folder(rung) / "teacher.json"
        known = read_score(path, self.teacher.spec)
        if known is None:
            known = self._evaluate(self.teacher, self.rungs[rung].sequences, progress)
            write_score(path, known)
        return known

    def thresholds(self, spec: TrackerSpec, rung: int, ms: Milliseconds, max_ms: float) -> TrackerSpec:
        """`spec` with the exit thresholds of the highest expected IoU within `max_ms`; itself where no exit is so fast.

        Chosen on the sequences that the lower rungs see.
        """
        found = exit_scores(
            self.model(spec, rung), self.rungs[0].sequences, device=self.device, folder=self._folder(rung)
        )
        try:
            return with_thresholds(spec, choose(found, spec, ms, max_ms).taus)
        except InfeasibleError:
            return spec

    def model(self, spec: TrackerSpec, rung: int) -> Tracker:
        """The student at a rung, in eval mode."""
        path = self.path(spec, rung)
        if path.is_file():
            student = build(spec).eval()
            load_weights(student, path)
            return student
        steps = self.rungs[rung].steps
        student = self._inherit(spec) if rung == 0 else self.model(spec, rung - 1)
        if steps:
            student = self._distill(student, self.rungs[rung], again=any(r.steps for r in self.rungs[:rung]))
        save_weights(student, path)
        return student

    def path(self, spec: TrackerSpec, rung: int) -> Path:
        """Where the student's weights at a rung are kept."""
        return self._folder(rung) / f"{spec.weights_id}.safetensors"

    def deliver(self, spec: TrackerSpec, rung: int, folder: Path) -> None:
        """Copy the weights into a run's `checkpoints/`."""
        folder.mkdir(parents=True, exist_ok=True)
        target = folder / f"{spec.weights_id}.safetensors"
        partial = target.with_suffix(".partial")
        shutil.copyfile(self.path(spec, rung), partial)
        partial.replace(target)

    def _inherit(self, spec: TrackerSpec) -> Tracker:
        pool = self.pool()
        rows = slice(0, min(_CALIBRATION, len(pool)))
        crops = (to_input(pool.template[rows].to(self.device)), to_input(pool.search[rows].to(self.device)))
        return inherit(self.teacher.to(self.device), spec, mlp_rank=self.mlp_rank, calibration=crops).eval()

    def _distill(self, student: Tracker, rung: Rung, *, again: bool) -> Tracker:
        return distill(
            student,
            self.pool(),
            self.recipe,
            steps=rung.steps,
            seed=self.seed,
            device=self.device,
            progress=self.progress(rung),
            again=again,
        )

    def _evaluate(self, model: Tracker, sequences: list[Sequence], progress: Progress = no_progress) -> Score:
        network = NumpyNetwork(model, self.device)
        found = evaluate(network, LoopSettings.of(model.spec), sequences, progress=progress)
        return Score(found.accuracy, found.paths or None)

    def _folder(self, rung: int) -> Path:
        """By everything that the weights and the score at this rung hang on."""
        history = [[r.fidelity, r.steps] for r in self.rungs[: rung + 1]]
        scored_on = [s.name for s in self.rungs[rung].sequences]
        said = json.dumps([self.key, self.seed, self.mlp_rank, asdict(self.recipe), history, scored_on])
        return home() / "students" / hashlib.sha256(said.encode()).hexdigest()[:16]
