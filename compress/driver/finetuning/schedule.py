"""How a variant is fine-tuned: by a published recipe, or as a search trains its students."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import Any

from compress.core import TrackerSpec, warn
from compress.data.pairs import PairRecipe
from compress.distill import ComputeSettings, StudentRecipe, TrainerSettings, load_recipe
from compress.distill.trainer_settings import REPORTS
from compress.driver.finetuning.settings import FinetuneSettings
from compress.driver.student_recipe import student_pairs

SEARCH = "search"
"""The name of the recipe that a search trains its students by."""

_STEPS = 2_000


@dataclass(frozen=True)
class FinetuneSchedule:
    """What is minimised, and how the optimiser goes.

    Attributes:
        name: Of the recipe.
        recipe: What counts how much in the loss, and the pairs of a step.
        trainer: Schedule, optimiser and arithmetic.
        pairs: How pairs are drawn and varied.
        drop_path: Stochastic depth, see `build`.
    """

    name: str
    recipe: StudentRecipe
    trainer: TrainerSettings
    pairs: PairRecipe = PairRecipe()
    drop_path: float = 0.0

    @classmethod
    def of(
        cls, settings: FinetuneSettings, compute: ComputeSettings, spec: TrackerSpec | None = None
    ) -> FinetuneSchedule:
        """The schedule that settings ask for.

        Args:
            spec: Of what is trained; without a published recipe its size decides on the rate of its backbone.

        Raises:
            UsageError, FileError: see `load_recipe`; or the recipe draws pairs that students cannot be distilled on.
        """
        if not settings.recipe:
            recipe = StudentRecipe()
            return cls(SEARCH, recipe, _own(recipe, settings, compute, spec))
        found = load_recipe(settings.recipe)
        if found.student.stage:
            warn(
                f"--recipe {settings.recipe} has a stage ({found.student.stage}) in which a student starts from its "
                "teacher, but a fine-tuning starts from a trained one. The stage is left out; the rest of the recipe "
                "holds."
            )
        recipe, pairs = StudentRecipe().following(found), student_pairs(settings.recipe, found.pairs)
        if found.epochs:
            trainer = found.trainer(settings.steps, compute=compute)
            return cls(settings.recipe, recipe, trainer, pairs, found.drop_path)
        return cls(settings.recipe, recipe, _own(recipe, settings, compute, spec), pairs)

    @property
    def steps(self) -> int:
        """Of the optimiser."""
        return self.trainer.steps

    @property
    def content(self) -> list[dict[str, Any]]:
        """What weights depend on: not how often is reported, nor on what device it is computed."""
        trainer = {name: value for name, value in asdict(self.trainer).items() if name not in _LEFT_OUT}
        drawn = self.pairs.figures() | ({"drop_path": self.drop_path} if self.drop_path else {})
        return [self.recipe.to_dict(), trainer, *([drawn] if drawn else [])]


def _own(
    recipe: StudentRecipe, settings: FinetuneSettings, compute: ComputeSettings, spec: TrackerSpec | None
) -> TrainerSettings:
    """The project's schedule, where a recipe has none."""
    steps = settings.steps or _STEPS
    return replace(recipe.trainer(steps, spec), report_every=max(1, steps // REPORTS), compute=compute)


_LEFT_OUT = ("report_every", "compute")
