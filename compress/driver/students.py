"""Students by rung: inherited, distilled, scored; each kept, so that none is trained twice.

What is kept lies outside of the run directory and is keyed by teacher, data and recipe, so a search for another target
finds what an earlier one trained, and a stopped search finds what it had.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import torch

from compress.core import InfeasibleError, TrackerSpec
from compress.core.files import home, replacing
from compress.core.progress import Progress, no_progress, part
from compress.data import Sequence
from compress.distill import Pool, distill, to_input
from compress.driver.exit_thresholds.exit_scores import exit_scores
from compress.driver.exit_thresholds.selection import Milliseconds, choose
from compress.driver.jobs import TrainingSetup
from compress.driver.scores import Score, read_score, write_score
from compress.evaluate import evaluate
from compress.geometry import LoopSettings
from compress.models import NumpyNetwork, Tracker, build, load_weights, save_weights
from compress.runtime.thresholds import with_thresholds
from compress.surgery import inherit

_CALIBRATION = 64
"""Pairs of the pool that say which units matter when weights are inherited."""


@dataclass(frozen=True)
class Students:
    """Trains and scores the students of one `TrainingSetup`.

    Attributes:
        pool: Gives the pairs to distil on; called when a student first needs them.
        short, full: What students are scored on at the lower rungs, and at full fidelity.
    """

    setup: TrainingSetup
    teacher: Tracker
    pool: Callable[[Progress], Pool]
    short: list[Sequence]
    full: list[Sequence]
    device: torch.device

    def score(self, spec: TrackerSpec, rung: int, progress: Progress = no_progress) -> Score:
        """Accuracy of the student at a rung and the paths it took, trained and scored now unless it was before."""
        # By the whole spec: thresholds change no weights, but what comes of them.
        path = self._folder(rung) / f"w{spec.id[1:]}.json"
        known = read_score(path, spec)
        if known is None:
            known = self._evaluate(self.model(spec, rung, progress), rung, part(progress, 0.8, 1, "Scoring"))
            write_score(path, known)
        return known

    def score_teacher(self, rung: int, progress: Progress = no_progress) -> Score:
        """Likewise of the teacher."""
        path = self._folder(rung) / "teacher.json"
        known = read_score(path, self.teacher.spec)
        if known is None:
            known = self._evaluate(self.teacher, rung, progress)
            write_score(path, known)
        return known

    def thresholds(
        self, spec: TrackerSpec, rung: int, ms: Milliseconds, max_ms: float, progress: Progress = no_progress
    ) -> TrackerSpec:
        """`spec` with the exit thresholds of the highest expected IoU within `max_ms`; itself where no exit is so fast.

        Chosen on the sequences that the lower rungs see.
        """
        model = self.model(spec, rung, progress)
        found = exit_scores(model, self.short, device=self.device, folder=self._folder(rung))
        try:
            return with_thresholds(spec, choose(found, spec, ms, max_ms).taus)
        except InfeasibleError:
            return spec

    def model(self, spec: TrackerSpec, rung: int, progress: Progress = no_progress) -> Tracker:
        """The student at a rung, in eval mode."""
        path = self.path(spec, rung)
        if path.is_file():
            student = build(spec).eval()
            load_weights(student, path)
            return student
        student = self._inherit(spec, progress) if rung == 0 else self.model(spec, rung - 1, progress)
        if self.setup.rungs[rung].steps:
            student = self._distill(student, rung, progress)
        save_weights(student, path)
        return student

    def path(self, spec: TrackerSpec, rung: int) -> Path:
        """Where the student's weights at a rung are kept."""
        return self._folder(rung) / f"{spec.weights_id}.safetensors"

    def sequences(self, *, short: bool) -> list[Sequence]:
        """What students are scored on."""
        return self.short if short else self.full

    def deliver(self, spec: TrackerSpec, rung: int, folder: Path) -> None:
        """Copy the weights into a run's `checkpoints/`, whole or not at all."""
        with replacing(folder / f"{spec.weights_id}.safetensors") as temporary:
            shutil.copyfile(self.path(spec, rung), temporary)

    def _inherit(self, spec: TrackerSpec, progress: Progress) -> Tracker:
        pool = self.pool(progress)
        rows = slice(0, min(_CALIBRATION, len(pool)))
        crops = (to_input(pool.template[rows].to(self.device)), to_input(pool.search[rows].to(self.device)))
        return inherit(self.teacher.to(self.device), spec, mlp_rank=self.setup.mlp_rank, calibration=crops).eval()

    def _distill(self, student: Tracker, rung: int, progress: Progress) -> Tracker:
        return distill(
            student,
            self.pool(progress),
            self.setup.recipe,
            steps=self.setup.rungs[rung].steps,
            seed=self.setup.seed,
            device=self.device,
            progress=part(progress, 0, 0.8, "Distilling"),
            again=self.setup.steps(rung - 1) > 0,
        )

    def _evaluate(self, model: Tracker, rung: int, progress: Progress = no_progress) -> Score:
        network = NumpyNetwork(model, self.device)
        found = evaluate(
            network, LoopSettings.of(model.spec), self.sequences(short=self.setup.rungs[rung].short), progress=progress
        )
        return Score(found.accuracy, found.paths or None)

    def _folder(self, rung: int) -> Path:
        """By everything that the weights and the score at this rung depend on."""
        setup = self.setup
        data = [setup.evaluation.fingerprint, setup.training.fingerprint, setup.pairs]
        history = [[r.fidelity, r.steps, r.short] for r in setup.rungs[: rung + 1]]
        recipe = [setup.seed, setup.mlp_rank, asdict(setup.recipe)]
        said = json.dumps([setup.teacher.weights, setup.teacher.spec.id, data, recipe, history])
        return home() / "students" / hashlib.sha256(said.encode()).hexdigest()[:16]
