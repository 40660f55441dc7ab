"""What `knobs.py` compares: the space of each knob alone, of all jointly, and which of their students are trained."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from math import nan

import optuna

from compress.core import ExecutionPath, LatencyConstraint, TrackerSpec
from compress.driver.drawing import SeededSampler
from compress.driver.jobs import Rung
from compress.driver.proposals import Proposals
from compress.driver.samplers import SAMPLERS
from compress.driver.students import Students
from compress.driver.trials import Trials
from compress.driver.worker import run_job
from compress.latency import LatencyModel, gate
from compress.spaces import KNOBS, Space
from compress.spaces.draft import Scalar
from compress.spaces.knob import NEVER

Choices = Mapping[str, tuple[Scalar, ...]]

_TWELFTHS = tuple(f"{k}/12" for k in range(1, 12))
_SHARES = tuple(round(0.05 * k, 2) for k in range(1, 20))

ALONE: dict[str, Choices] = {
    "depth": {"depth": tuple(range(1, 13)), "layers": ("even", "front", "ends")},
    "MLP width": {"mlp_ratio": (0.125, 0.25, 0.5, 0.75, 1, 1.5, 2, 2.5, 3, 3.5, 4)},
    "dimensions": {"dr_ratio": (0, *(round(k / 32, 5) for k in range(1, 31)))},
    "FE/AI split": {"interaction": ("joint", *_TWELFTHS)},
    "tokens": {
        "keep_ratio": (NEVER, *_SHARES),
        "keep_after": ("first", "1", "2", "3", "4", "6", "1/3 2/3", "1/4 1/2 3/4"),
        "keep_by": ("attention", "motion"),
    },
    "template tokens": {"keep_template": (1, 0.75, 0.5, 0.25)},
    "resolution": {"search_size": (128, 112, 96, 80, 64, 48, 32), "template_size": (64, 48, 32)},
    "int8": {"precision": ("fp32", "int8")},
    "bypass": {"bypass": (NEVER, "learned"), "tau0": (*_SHARES, 1.0), "n_enf": (1, 2, 3, 4)},
    "exits": {"exits": (NEVER, *_TWELFTHS, "1/12 1/4", *(f"{k}/12 {3 * k}/12" for k in (2, 3))), "adapters": (0, 1)},
}
"""By arm, in the order of the table."""

SLACK = 1.12
"""By how much a prediction may miss the bound, before it is measured."""

PER_FRAME = ("bypass", "exits")
"""Arms whose students decide about each frame, of which inherited weights tell nothing."""

_MILD: tuple[dict[str, Scalar], ...] = (
    {"precision": "int8"},
    {"keep_ratio": 0.5, "keep_after": "first", "keep_by": "motion"},
    {"keep_ratio": 0.3, "keep_after": "1", "keep_by": "motion"},
    {"search_size": 112},
    {"search_size": 96},
    {"mlp_ratio": 2},
    {"dr_ratio": 0.25},
    {"keep_template": 0.5},
)
"""What stands beside a student's depth at first in the second joint search."""

SEEDED, SEEDED_FP32 = "joint, seeded", "joint, seeded, fp32"
JOINT = ("joint", SEEDED, SEEDED_FP32)
"""Arms of all knobs but the two of `PER_FRAME`, whose students need more steps than others to be worth something."""


@dataclass(frozen=True)
class Bound:
    """Times the teacher's speed, and what that is in predicted milliseconds."""

    speedup: float
    model: LatencyModel
    teacher: TrackerSpec

    @property
    def constraint(self) -> LatencyConstraint:
        return LatencyConstraint.of(speedup=self.speedup, teacher=self.model.predict(self.teacher))

    @property
    def ms(self) -> float:
        return self.model.predict(self.teacher).mean_ms / self.speedup

    @property
    def wider(self) -> Bound:
        """What candidates keep by prediction, which may be off by as much; those that are trained are measured."""
        return replace(self, speedup=self.speedup / SLACK)

    def reached(self, spec: TrackerSpec, paths: Mapping[ExecutionPath, int] | None = None) -> float:
        """Times the teacher's speed, as predicted."""
        return self.speedup * self.ms / self.model.predict(spec, paths).mean_ms

    def keeps(self, spec: TrackerSpec) -> bool:
        return gate(self.model, spec, self.constraint).passes


@dataclass(frozen=True)
class Chosen:
    """A student that is trained; AO on the short sequences with inherited weights, NaN where that tells nothing."""

    spec: TrackerSpec
    inherited: float = nan


def spaces() -> dict[str, Space]:
    """Each knob alone, and the joint arms."""
    static = {knob: values for knob, values in every_knob().knobs.items() if not _per_frame(knob)}
    in_fp32 = {knob: values for knob, values in static.items() if knob != "precision"}
    joint = {name: Space(name, in_fp32 if name == SEEDED_FP32 else static) for name in JOINT}
    return {name: Space(name, knobs) for name, knobs in ALONE.items()} | joint


def every_knob() -> Space:
    """All knobs that some arm has."""
    return Space("every knob", {knob: values for knobs in ALONE.values() for knob, values in knobs.items()})


def _per_frame(knob: str) -> bool:
    return knob in PER_FRAME or KNOBS[knob].needs in PER_FRAME


def listed(space: Space, bound: Bound, students: Students, count: int) -> tuple[list[Chosen], int]:
    """The students of a knob alone with the best inherited weights, of the `count` slowest within the bound.

    Returns:
        Best first; and how many were scored. None is where the knob is not as fast.
    """
    within = [spec for spec in space.enumerate(bound.teacher) if spec != bound.teacher and bound.keeps(spec)]
    within.sort(key=lambda spec: -bound.model.predict(spec).mean_ms)
    if space.name == "exits":
        return [Chosen(spec) for spec in _exits(space, bound, within)], 0
    if space.name == "bypass":
        return [Chosen(spec) for spec in _bypassing(within)], 0
    scored = [Chosen(spec, students.score(spec, 0).accuracy.ao) for spec in within[:count]]
    return sorted(scored, key=lambda each: -each.inherited), len(scored)


def _exits(space: Space, bound: Bound, within: Sequence[TrackerSpec]) -> Iterator[TrackerSpec]:
    """One exit as late as the bound allows to all frames; then two about there, between which frames are split."""
    plain = [spec for spec in within if not any(each.adapter for each in spec.exits)]
    if not plain:
        return
    latest = max((spec for spec in plain if len(spec.exits) == 2), key=lambda spec: spec.exits[0].after)
    yield latest
    k = latest.exits[0].after
    yield from sorted((s for s in plain if len(s.exits) == 3), key=lambda s: abs(s.exits[0].after - k / 2))[:1]


def _bypassing(within: Sequence[TrackerSpec]) -> list[TrackerSpec]:
    """For each number of layers that always run the lowest share of skipped ones, the most of those layers first."""
    lowest: dict[int, TrackerSpec] = {}
    for spec in within:
        assert spec.bypass is not None
        known = lowest.setdefault(spec.bypass.n_enf, spec)
        if known.bypass is not None and spec.bypass.tau0 < known.bypass.tau0:
            lowest[spec.bypass.n_enf] = spec
    return sorted(lowest.values(), key=lambda spec: spec.bypass.tau0 if spec.bypass else 0.0)


def searched(
    space: Space, bound: Bound, students: Students, count: int, seeds: Sequence[Mapping[str, Scalar]] = ()
) -> tuple[list[Chosen], int]:
    """Those with the best inherited weights of `count` that the default sampler draws; results as of `listed`.

    Of several that differ in what takes no training (precision, share of tokens) there is the best.

    Args:
        seeds: Knobs that are drawn first, beside those that every search starts from.
    """
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    sampler = SeededSampler(SAMPLERS["prior"], students.setup.seed)
    study = optuna.create_study(directions=["minimize", "maximize"], sampler=sampler)
    proposals = Proposals(study, space, bound.teacher, lambda spec: gate(bound.model, spec, bound.constraint))
    if seeds:
        proposals.enqueue(seeds)
    else:
        proposals.enqueue_seeds()
    trials = Trials(proposals, bound.model, bound.constraint, students.setup, work=[1.0, 1.0])
    found: list[Chosen] = []
    while len(found) < count and (asked := trials.ask(1)):
        result = run_job(trials.job(asked[0], 0))
        trials.add(result)
        trials.finish(asked[0])
        if result.accuracy is not None:
            found.append(Chosen(result.spec, result.accuracy.ao))
    by_weights: dict[str, Chosen] = {}
    for each in sorted(found, key=lambda each: -each.inherited):
        by_weights.setdefault(each.spec.weights_id, each)
    return list(by_weights.values()), len(found)


def beside_depth(space: Space, bound: Bound) -> list[Mapping[str, Scalar]]:
    """Other knobs at some settings, alone and in twos, each with the greatest depth that keeps the bound."""
    every = space.choices(bound.teacher)
    plain = {name: KNOBS[name].default(bound.teacher) for name in every}
    beside = [each for each in _MILD if all(name in every for name in each)]
    settings = [{}, *beside, *({**a, **b} for a, b in combinations(beside, 2) if a.keys() != b.keys())]
    found: list[Mapping[str, Scalar]] = []
    for setting in settings:
        for depth in range(len(bound.teacher.layers), 0, -1):
            knobs = {**plain, **setting, "depth": depth}
            if bound.keeps(space.spec(bound.teacher, lambda name, _, k=knobs: k[name])):  # type: ignore[misc]
                found.append({name: value for name, value in knobs.items() if name in every})
                break
    return found


def rungs(steps: int) -> tuple[Rung, Rung]:
    """Inherited, on the short sequences; and trained, on those that students are chosen by."""
    return Rung("rung-0", 0), Rung("full", steps, short=False)
