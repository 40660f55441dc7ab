"""How a variant is fine-tuned: by a published recipe, or as a search trains its students."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import Any

from compress.core import TrackerSpec
from compress.distill import ComputeSettings, StudentRecipe, TrainerSettings, load_recipe
from compress.distill.trainer_settings import REPORTS
from compress.driver.finetuning.settings import FinetuneSettings

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
    """

    name: str
    recipe: StudentRecipe
    trainer: TrainerSettings

    @classmethod
    def of(
        cls, settings: FinetuneSettings, compute: ComputeSettings, spec: TrackerSpec | None = None
    ) -> FinetuneSchedule:
        """The schedule that settings ask for.

        Args:
            spec: Of what is trained; without a published recipe its size decides on the rate of its backbone.

        Raises:
            UsageError, FileError: see `load_recipe`.
        """
        if not settings.recipe:
            recipe, steps = StudentRecipe(), settings.steps or _STEPS
            trainer = replace(recipe.trainer(steps, spec), report_every=max(1, steps // REPORTS), compute=compute)
            return cls(SEARCH, recipe, trainer)
        found = load_recipe(settings.recipe)
        trainer = found.trainer(settings.steps, compute=compute)
        return cls(settings.recipe, StudentRecipe().following(found), trainer)

    @property
    def steps(self) -> int:
        """Of the optimiser."""
        return self.trainer.steps

    @property
    def content(self) -> list[dict[str, Any]]:
        """What weights depend on: not how often is reported, nor on what device it is computed."""
        trainer = {name: value for name, value in asdict(self.trainer).items() if name not in _LEFT_OUT}
        return [asdict(self.recipe), trainer]


_LEFT_OUT = ("report_every", "compute")
