"""`TrialJob` and `TrialResult`: what a worker is given and what it gives back, as plain picklable values.

A job says everything that a worker needs beside the store: which teacher by the fingerprint of its weights, which data
by reader, absolute path and fingerprint of content, and how to train. A worker checks the content of every path
before it uses it, and reads nothing else.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field

from compress.core import Accuracy, ExecutionPath, Precision, TrackerSpec
from compress.data import DataReference
from compress.distill import StudentRecipe
from compress.distill.blockwise import LocalRecipe
from compress.latency import LatencyModel
from compress.spaces import Space
from compress.surgery import Rank


@dataclass(frozen=True)
class Rung:
    """One fidelity.

    Attributes:
        fidelity: Its name, such as `rung-1`.
        steps: Distillation steps on top of the rung before.
        short: Scored on the short sequences of the evaluation data, rather than on the full ones.
    """

    fidelity: str
    steps: int
    short: bool = True


@dataclass(frozen=True)
class TeacherWeights:
    """A teacher whose weights are kept in the store, by the fingerprint `weights`."""

    spec: TrackerSpec
    weights: str


_PER_LAYER = "per_layer"
"""What is said of a space beside its knobs."""


def space_text(space: Space) -> str:
    """The knobs of a space and their choices, as JSON: what a setup says of it."""
    own = {_PER_LAYER: True} if space.per_layer else {}
    return json.dumps({name: list(choices) for name, choices in space.knobs.items()} | own, sort_keys=True)


def space_of(text: str) -> Space:
    """The space of a `space_text`."""
    knobs = json.loads(text)
    per_layer = knobs.pop(_PER_LAYER, False)
    return Space("", {name: tuple(choices) for name, choices in knobs.items()}, per_layer=per_layer)


@dataclass(frozen=True)
class ElasticSetup:
    """The network of shared weights that students are slices of, see `distill_elastic`.

    Attributes:
        space: As of `space_text`; it says which students there are.
        steps: Distillation steps of the network.
        random: Students drawn at each step.
    """

    space: str
    steps: int
    random: int = 3


@dataclass(frozen=True)
class BlockwiseSetup:
    """The library of layer variants that students are put together of, see `driver.blockwise`.

    Attributes:
        space: As of `ElasticSetup`.
    """

    space: str
    recipe: LocalRecipe = LocalRecipe()


@dataclass(frozen=True)
class TrainingSetup:
    """What all students of a search have in common.

    Attributes:
        evaluation, training: What students are scored on, and what they are distilled on.
        pairs: Size of the pool of pairs that students are distilled on; of a stream, the fixed ones beside it.
        streamed: Students are distilled on new pairs at every step, and the teacher is asked in the loop.
        rungs: The fidelities, from the lowest.
        mlp_rank: Which hidden units a thinner MLP keeps; see `surgery.inherit`.
        recipe: How students are trained; of one with a stage see `begins_anew`.
        device: Where the worker trains: `auto`, `cpu` or `cuda`.
        elastic: Where students start as slices of shared weights; None where they start from the teacher's.
        blockwise: Likewise where they are put together of variants of single layers.
        precision: What the target runs students in; where that is fp32, each in the precision of its spec.
    """

    teacher: TeacherWeights
    evaluation: DataReference
    training: DataReference
    pairs: int
    rungs: tuple[Rung, ...]
    seed: int
    mlp_rank: Rank = "importance"
    recipe: StudentRecipe = StudentRecipe()
    device: str = "auto"
    elastic: ElasticSetup | None = None
    blockwise: BlockwiseSetup | None = None
    streamed: bool = False
    precision: Precision = "fp32"

    @property
    def pairs_key(self) -> list[object]:
        """What is trained or observed depends on these pairs, whoever opens them."""
        drawn = [] if self.recipe.pairs == "default" else [self.recipe.pairs]
        return [self.training.fingerprint, self.pairs, *(["row"] if self.streamed else []), *drawn]

    def steps(self, rung: int) -> int:
        """Distillation steps of a student up to a rung, that rung's own included."""
        return sum(each.steps for each in self.rungs[: rung + 1])

    def begins_anew(self, rung: int) -> bool:
        """Whether a rung starts from the teacher: the last one, where the recipe has a stage, with the steps of all.

        Below it students are distilled at once, which is enough to choose among them.
        """
        return bool(self.recipe.procedure.stage) and rung == len(self.rungs) - 1

    def own_steps(self, rung: int) -> int:
        """Distillation steps of the job that takes a student to a rung."""
        return self.steps(rung) if self.begins_anew(rung) else self.rungs[rung].steps

    def scored_in(self, rung: int, spec: TrackerSpec) -> Precision:
        """What a student is scored in at a rung: at the last one as it will run, below it as it was trained."""
        if self.rungs[rung].short:
            return "fp32"
        return spec.precision if self.precision == "fp32" else self.precision

    def learned(self, rung: int) -> bool:
        """Whether a student at a rung was trained at all, by itself or as a slice."""
        return self.elastic is not None or self.steps(rung) > 0


@dataclass(frozen=True)
class ExitAim:
    """What exit thresholds are chosen for: the most accurate ones whose mean latency is at most `max_ms`."""

    latency: LatencyModel
    max_ms: float

    def path_ms(self, spec: TrackerSpec, path: ExecutionPath) -> float:
        """Mean milliseconds of the frames that take one path."""
        return self.latency.predict(spec, {path: 1}).mean_ms


@dataclass(frozen=True)
class TrialJob:
    """Take one student to a rung, and score it there.

    Attributes:
        trial: Number of the trial in its study.
        rung: Index in the rungs of `setup`; what the store has of lower ones is gone on from.
        exits: None leaves the thresholds as `spec` has them.
    """

    trial: int
    spec: TrackerSpec
    rung: int
    setup: TrainingSetup
    exits: ExitAim | None = None

    @property
    def fidelity(self) -> str:
        """Name of the rung."""
        return self.setup.rungs[self.rung].fidelity


@dataclass(frozen=True)
class TrialResult:
    """What became of a job.

    Attributes:
        trial, fidelity: Of the job.
        spec: The student as it was scored, with the exit thresholds that were chosen.
        seconds: What the job took.
        accuracy: None where the job failed.
        paths: Of an adaptive student, the frames counted by the execution path they took; None of others.
        error: Why the job failed, in words; empty where it did not.
        phases: Seconds that it took by phase, see `compress.core.phases`; no part of what makes two results equal.
    """

    trial: int
    fidelity: str
    spec: TrackerSpec
    seconds: float
    accuracy: Accuracy | None = None
    paths: Mapping[ExecutionPath, int] | None = None
    error: str = ""
    phases: Mapping[str, float] = field(default_factory=dict, compare=False)
