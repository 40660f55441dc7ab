"""Students and ways of training them, each of which differs from the default in one thing."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import torch

from compress.core import Store, TrackerSpec
from compress.data import DataSource
from compress.distill import (
    Pool,
    StudentRecipe,
    distill,
    distill_progressively,
    distill_with_intermediate,
    distill_with_replacement,
    distillation_pool,
    removal_order,
)
from compress.distill.intermediate import inherited_through, intermediate_spec, with_places_of
from compress.distill.procedure import StudentProcedure
from compress.distill.sparse import distill_sparsely
from compress.driver.shared_weights import calibration_crops
from compress.models import Tracker, build
from compress.spaces import Space
from compress.surgery import inherit, ranked_across_layers

CPU = torch.device("cpu")

STUDENTS: dict[str, Mapping[str, Any]] = {
    "4 layers": {"depth": 4},
    "6 layers, μ 0.25": {"depth": 6, "dr_ratio": 0.25},
    "2 FE + 2 AI": {"depth": 4, "interaction": "1/2"},
    "4 layers, MLP ratio 2": {"depth": 4, "mlp_ratio": 2},
}
"""Knobs of each, over those of the teacher."""

_SHORT, _REDUCED, _SPLIT, _NARROW = STUDENTS
_DEPTHS = (_SHORT, _REDUCED, _SPLIT)


@dataclass(frozen=True)
class Bench:
    """What all trainings of a seed have in common.

    Attributes:
        batch: Pairs of a step.
    """

    teacher: Tracker
    pool: Pool
    source: DataSource
    seed: int
    steps: int
    batch: int

    @property
    def recipe(self) -> StudentRecipe:
        """The default one."""
        return StudentRecipe(batch=self.batch)

    @cached_property
    def crops(self) -> tuple[torch.Tensor, torch.Tensor]:
        """Those that say which units matter."""
        return calibration_crops(self.pool, CPU)

    @cached_property
    def removal(self) -> list[int]:
        """Layers in the order of their removal."""
        return removal_order(self.teacher, self.pool, least=4)

    @property
    def budget(self) -> dict[str, Any]:
        """Seed and device of every training."""
        return {"seed": self.seed, "device": CPU}

    def spec(self, student: str, **knobs: Any) -> TrackerSpec:
        """A student by its name, with other knobs in place of its own."""
        chosen = {name: (value,) for name, value in {**STUDENTS[student], **knobs}.items()}
        return Space("one", chosen).spec(self.teacher.spec, lambda _name, choices: choices[0])

    def distilled(self, spec: TrackerSpec, recipe: StudentRecipe | None = None, **inheriting: Any) -> Tracker:
        """Inherited from the teacher, and distilled for all steps."""
        student = inherit(self.teacher, spec, calibration=self.crops, **inheriting)
        return distill(student, self.pool, recipe or self.recipe, steps=self.steps, **self.budget)


@dataclass(frozen=True)
class Arm:
    """One way of training.

    Attributes:
        differs: In what it differs from the default, which is the arm `default`.
        students: Those that it applies to.
        trained: Trains a student.
        otherwise: Why it does not apply to the other students.
    """

    name: str
    differs: str
    students: tuple[str, ...]
    trained: Callable[[Bench, str], Tracker]
    otherwise: str = ""


def _imitating(**weights: float) -> Callable[[Bench, str], Tracker]:
    return lambda bench, student: bench.distilled(bench.spec(student), replace(bench.recipe, **weights))  # type: ignore[arg-type]


def _important_layers(bench: Bench, student: str) -> Tracker:
    """The layers left when those went whose removal hurt least, in the student's shape."""
    spec = bench.spec(student)
    gone = set(bench.removal[: len(bench.teacher.spec.layers) - len(spec.layers)])
    left = [i for i in range(len(bench.teacher.spec.layers)) if i not in gone]
    layers = (replace(layer, source=source) for layer, source in zip(spec.layers, left, strict=True))
    return bench.distilled(replace(spec, layers=tuple(layers)))


def _progressive(share: float) -> Callable[[Bench, str], Tracker]:
    def trained(bench: Bench, student: str) -> Tracker:
        fade = max(1, round(share * bench.steps))
        return distill_progressively(
            bench.teacher,
            bench.spec(student),
            bench.pool,
            bench.recipe,
            fade_steps=fade,
            steps=bench.steps - fade,
            calibration=bench.crops,
            **bench.budget,
        )

    return trained


def _replaced(bench: Bench, student: str) -> Tracker:
    spec = bench.spec(student)
    return distill_with_replacement(
        bench.teacher, spec, bench.pool, bench.recipe, steps=bench.steps, calibration=bench.crops, **bench.budget
    )


def _through_intermediate(bench: Bench, student: str) -> Tracker:
    half, spec = bench.steps // 2, bench.spec(student)
    return distill_with_intermediate(
        bench.teacher,
        spec,
        bench.pool,
        bench.recipe,
        first_steps=half,
        steps=bench.steps - half,
        calibration=bench.crops,
        **bench.budget,
    )


def _sparsely(bench: Bench, student: str) -> Tracker:
    half, spec = bench.steps // 2, bench.spec(student)
    return distill_sparsely(
        bench.teacher,
        spec,
        bench.pool,
        replace(bench.recipe, procedure=StudentProcedure(sparse=0.5)),
        first_steps=half,
        steps=bench.steps - half,
        calibration=bench.crops,
        **bench.budget,
    )


def _intermediate_imitated(bench: Bench, student: str) -> Tracker:
    """The student imitates the intermediate tracker that it inherits from, in place of the teacher."""
    half, spec = bench.steps // 2, bench.spec(student)
    between_spec = intermediate_spec(bench.teacher.spec, spec)
    between = inherit(bench.teacher, between_spec, calibration=bench.crops)
    between = distill(between, bench.pool, bench.recipe, steps=half, **bench.budget)
    # Answers are kept by the key, so it says all that the weights depend on.
    key = f"{bench.seed} {half} {bench.batch}"
    pool = distillation_pool(
        between, bench.source, count=len(bench.pool), seed=bench.seed + 1, store=Store(), device=CPU, weights_key=key
    )
    start = inherited_through(between, spec, calibration=bench.crops)
    placed = build(with_places_of(between_spec, spec))
    placed.load_state_dict(start.state_dict())
    found = distill(placed, pool, bench.recipe, steps=bench.steps - half, **bench.budget)
    student_network = build(spec)
    student_network.load_state_dict(found.state_dict())
    return student_network.eval()


def _ranked_across(bench: Bench, student: str) -> Tracker:
    return bench.distilled(ranked_across_layers(bench.teacher, bench.spec(student), bench.crops))


_NO_WIDTHS = "it keeps all units of its layers"

ARMS = (
    Arm("default", "", tuple(STUDENTS), lambda bench, student: bench.distilled(bench.spec(student))),
    Arm(
        "no imitation",
        "ground truth alone",
        _DEPTHS,
        _imitating(score=0, box=0, distribution=0, presence=0, feature=0, feature_raw=0),
    ),
    Arm("answers only", "no feature distillation", (_SHORT,), _imitating(feature=0, feature_raw=0)),
    Arm("features only", "no imitation of answers", (_SHORT,), _imitating(score=0, box=0, distribution=0, presence=0)),
    Arm(
        "first layers",
        "layers of the pattern front",
        _DEPTHS,
        lambda bench, student: bench.distilled(bench.spec(student, layers="front")),
    ),
    Arm("important layers", "layers whose removal hurts most", _DEPTHS, _important_layers),
    Arm("progressive 8%", "other layers fade out in 8% of the steps", (_SHORT,), _progressive(0.08)),
    Arm("progressive 25%", "other layers fade out in 25% of the steps", _DEPTHS, _progressive(0.25)),
    Arm(
        "replacement",
        "the teacher's stages stand in at random",
        (_SHORT, _REDUCED),
        _replaced,
        "its layers do not see what the teacher's see",
    ),
    Arm(
        "intermediate",
        "half of the steps for a deeper tracker, which the student inherits from",
        _DEPTHS,
        _through_intermediate,
    ),
    Arm("intermediate imitated", "likewise, and the student imitates that", (_SHORT,), _intermediate_imitated),
    Arm(
        "leading units",
        "the first units of each MLP",
        (_NARROW,),
        lambda bench, student: bench.distilled(bench.spec(student), mlp_rank="leading"),
        _NO_WIDTHS,
    ),
    Arm(
        "learnt dimensions",
        "whole for half of the steps, in which it learns which dimensions to keep",
        (_REDUCED,),
        _sparsely,
        "no dimension of it is reduced",
    ),
    Arm("global ranking", "units ranked across layers", (_NARROW, _REDUCED), _ranked_across, _NO_WIDTHS),
)
