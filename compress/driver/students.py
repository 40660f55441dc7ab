"""Students by rung: inherited, distilled, scored; each kept, so that none is trained twice.

Weights are kept by the fingerprints of what they come from (teacher, pairs, recipe), scores by that of the sequences
too, in the store, outside of the run directory: a search for another target finds what an earlier one trained, and a
stopped search finds what it had.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

import torch

from compress.core import ExecutionPath, FileError, InfeasibleError, Store, TrackerSpec, fingerprint
from compress.core.phases import phase
from compress.core.progress import Progress, no_progress, part
from compress.core.writing import writing
from compress.data import Sequence, Split, split_key
from compress.distill import Batches, Checkpoint, calibrate_exit_scores, distill, recalibrated
from compress.distill.staged import distill_in_stages, stage_of, states
from compress.driver.blockwise.library import LayerLibrary
from compress.driver.exit_thresholds.exit_scores import exit_scores
from compress.driver.exit_thresholds.selection import Milliseconds, choose
from compress.driver.jobs import TrainingSetup
from compress.driver.scores import Score
from compress.driver.scoring import expected_path, kept_score, scored
from compress.driver.shared_weights import SharedWeights, calibration_crops
from compress.models import Tracker, build, load_weights, save_weights
from compress.runtime.thresholds import with_thresholds
from compress.surgery import Elastic, observe

_T = TypeVar("_T")

_WEIGHTS = ".safetensors"

_SLICE_PAIRS = 256
"""Pairs that the exits of a slice learn to score themselves on."""


@dataclass(frozen=True)
class Students:
    """Trains and scores the students of one `TrainingSetup`.

    Attributes:
        pool: Gives the pairs to distil on, a pool or a stream; called when a student first needs them.
        short, full: What students are scored on at the lower rungs, and at full fidelity.
        store: Where weights and scores are kept.
        shared: What students are slices of, where the setup has such a network.
        library: What students are put together of, where the setup has variants of layers.
    """

    setup: TrainingSetup
    teacher: Tracker
    pool: Callable[[Progress], Batches]
    short: list[Sequence]
    full: list[Sequence]
    device: torch.device
    store: Store = field(default_factory=Store)
    shared: SharedWeights | None = None
    library: LayerLibrary | None = None
    _inherited: list[Elastic] = field(default_factory=list, repr=False)

    def prepare(self, progress: Progress = no_progress) -> None:
        """Make what all students start from: pairs, and the shared weights where they are slices of those."""
        _ = self.pool(progress).fixed
        if self.shared is not None:
            self.shared(part(progress, 0, 0.8, "Shared weights"))

    def score(self, spec: TrackerSpec, rung: int, progress: Progress = no_progress) -> Score:
        """Accuracy of the student at a rung and the paths it took, trained and scored now unless it was before.

        One that has not learned to decide yet is scored on the path that its latency is predicted for.
        """
        path = None if self.setup.learned(rung) else expected_path(spec)

        def made() -> Score:
            model = self.model(spec, rung, progress)
            return self._evaluate(model, rung, part(progress, 0.8, 1, "Scoring"), path)

        return self._score(self._key(spec, rung), spec, rung, made, path)

    def score_teacher(self, rung: int, progress: Progress = no_progress) -> Score:
        """Likewise of the teacher."""
        weights, spec = self.setup.teacher.weights, self.teacher.spec
        return self._score(weights, spec, rung, lambda: self._evaluate(self.teacher, rung, progress))

    @phase("exit thresholds")
    def thresholds(
        self, spec: TrackerSpec, rung: int, ms: Milliseconds, max_ms: float, progress: Progress = no_progress
    ) -> TrackerSpec:
        """`spec` with the exit thresholds of the highest expected IoU within `max_ms`; itself where no exit is so fast.

        Chosen on the sequences that the lower rungs see.
        """
        model = self.model(spec, rung, progress)
        data = split_key(self.setup.evaluation, "short")
        found = exit_scores(model, self.short, data=data, device=self.device, store=self.store)
        try:
            return with_thresholds(spec, choose(found, spec, ms, max_ms).taus)
        except InfeasibleError:
            return spec

    def model(self, spec: TrackerSpec, rung: int, progress: Progress = no_progress) -> Tracker:
        """The student at a rung, in eval mode; untrained it is made whenever it is asked for, and kept nowhere."""
        if not self.trained(rung):
            return self._start(spec, progress)
        return self._kept(spec, rung, lambda path: _read_weights(spec, path), progress)

    def trained(self, rung: int) -> bool:
        """Whether students at a rung were trained by themselves, so that their weights are kept."""
        return self.setup.steps(rung) > 0

    def path(self, spec: TrackerSpec, rung: int) -> Path:
        """Where the student's weights at a rung are kept."""
        return self.store.path("students", self._key(spec, rung), _WEIGHTS)

    def sequences(self, *, short: bool) -> list[Sequence]:
        """What students are scored on."""
        return self.short if short else self.full

    def deliver(self, spec: TrackerSpec, rung: int, folder: Path) -> None:
        """Copy the weights into a run's `checkpoints/`, whole or not at all."""

        def copy(path: Path) -> bool:
            with writing(folder / f"{spec.weights_id}{_WEIGHTS}") as temporary:
                shutil.copyfile(path, temporary)
            return True

        self._kept(spec, rung, copy, no_progress)

    def _kept(self, spec: TrackerSpec, rung: int, read: Callable[[Path], _T | None], progress: Progress) -> _T:
        """What `read` makes of the student's weights, which are trained first where the store has none."""

        def make(path: Path) -> None:
            checkpoint = Checkpoint(self._state(spec, rung), anew=True)
            save_weights(self._trained(spec, rung, progress, checkpoint), path)

        found = self.store.get("students", self._key(spec, rung), read=read, make=make, suffix=_WEIGHTS)
        for state in states(self._state(spec, rung)):
            state.unlink(missing_ok=True)
        return found

    def _trained(self, spec: TrackerSpec, rung: int, progress: Progress, checkpoint: Checkpoint) -> Tracker:
        """The student taken to a rung, from the one below or, by a recipe with a stage, from the teacher."""
        setup, steps = self.setup, self.setup.steps(rung)
        if setup.begins_anew(rung) and stage_of(setup.recipe.procedure, self.teacher.spec, spec, steps):
            return self._distill_in_stages(spec, steps, progress, checkpoint)
        student = self._start(spec, progress) if rung == 0 else self.model(spec, rung - 1, progress)
        return self._distill(student, rung, progress, checkpoint)

    def _state(self, spec: TrackerSpec, rung: int) -> Path:
        """Where the training of a student keeps its state until the student is kept."""
        return self.store.path("students", self._key(spec, rung), ".training.safetensors")

    def _score(
        self, weights: str, spec: TrackerSpec, rung: int, make: Callable[[], Score], path: ExecutionPath | None = None
    ) -> Score:
        """A kept score, on what students at a rung are scored on."""
        split: Split = "short" if self.setup.rungs[rung].short else "search"
        precision = self.setup.scored_in(rung, spec)
        return kept_score(self.store, weights, spec, self.setup.evaluation, split, make, precision=precision, path=path)

    @phase("slicing the shared weights, or the teacher")
    def _start(self, spec: TrackerSpec, progress: Progress) -> Tracker:
        if self.library is not None:
            return self.library.assembled(spec, part(progress, 0, 0.8, "Variants of layers"))
        if self.shared is None:
            return self._teacher_as_shared(progress).slice(spec).eval()
        student = self.shared(part(progress, 0, 0.8, "Shared weights")).slice(spec)
        pairs, recipe, seed = self.pool(progress).fixed, self.setup.recipe, self.setup.seed
        student = recalibrated(student, pairs, device=self.device)
        calibrate_exit_scores(student, pairs, recipe, count=_SLICE_PAIRS, seed=seed, device=self.device)
        return student

    def _teacher_as_shared(self, progress: Progress) -> Elastic:
        """The teacher, and which of its units matter, observed once: slices of it are what students inherit."""
        if not self._inherited:
            teacher = self.teacher.to(self.device)
            observed = observe(teacher, *calibration_crops(self.pool(progress).fixed, self.device))
            self._inherited.append(Elastic(teacher, observed, self.setup.mlp_rank))
        return self._inherited[0]

    @phase("training")
    def _distill(self, student: Tracker, rung: int, progress: Progress, checkpoint: Checkpoint) -> Tracker:
        return distill(
            student,
            self.pool(progress).after(self._steps_before(rung)),
            self.setup.recipe,
            steps=self.setup.rungs[rung].steps,
            seed=self.setup.seed,
            device=self.device,
            progress=part(progress, 0, 0.8, "Distilling"),
            again=self.setup.learned(rung - 1),
            checkpoint=checkpoint,
        )

    @phase("training")
    def _distill_in_stages(self, spec: TrackerSpec, steps: int, progress: Progress, checkpoint: Checkpoint) -> Tracker:
        pairs = self.pool(progress)
        if spec.keep_least is not None and spec.eliminating:  # whichever share of them asks, the weights are the same
            spec = spec.keeping(spec.keep_least)
        return distill_in_stages(
            self.teacher,
            spec,
            pairs,
            self.setup.recipe,
            steps=steps,
            seed=self.setup.seed,
            device=self.device,
            mlp_rank=self.setup.mlp_rank,
            calibration=calibration_crops(pairs.fixed, self.device),
            progress=part(progress, 0, 0.8, "Distilling"),
            checkpoint=checkpoint,
        )

    def _steps_before(self, rung: int) -> int:
        """Steps of what a student at a rung comes from: of the rungs below, and of the shared weights."""
        shared = self.setup.elastic.steps if self.setup.elastic is not None else 0
        return shared + self.setup.steps(rung - 1)

    @phase("scoring")
    def _evaluate(
        self, model: Tracker, rung: int, progress: Progress = no_progress, path: ExecutionPath | None = None
    ) -> Score:
        sequences = self.sequences(short=self.setup.rungs[rung].short)
        precision = self.setup.scored_in(rung, model.spec)
        return scored(model, sequences, self.device, progress, precision=precision, path=path)

    def _key(self, spec: TrackerSpec, rung: int) -> str:
        """Of everything that a student's weights at a rung depend on."""
        setup = self.setup
        teacher = [setup.teacher.weights, setup.teacher.spec.id]
        steps = [each.steps for each in setup.rungs[: rung + 1]]
        recipe = [setup.seed, setup.mlp_rank, setup.recipe, steps]
        shared = [each for each in (setup.elastic, setup.blockwise) if each is not None]
        return fingerprint([*teacher, setup.pairs_key, recipe, spec.weights_id, *shared])


def _read_weights(spec: TrackerSpec, path: Path) -> Tracker | None:
    student = build(spec).eval()
    try:
        load_weights(student, path)
    except FileError:
        return None
    return student
