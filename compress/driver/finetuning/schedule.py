"""How a variant is fine-tuned: by a published recipe, or as a search trains its students."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import Any

from compress.core import TrackerSpec, UsageError, warn
from compress.data.pairs import PAIR_RECIPES, PairRecipe
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
            recipe, steps = StudentRecipe(), settings.steps or _STEPS
            trainer = replace(recipe.trainer(steps, spec), report_every=max(1, steps // REPORTS), compute=compute)
            return cls(SEARCH, recipe, trainer)
        found = load_recipe(settings.recipe)
        trainer = found.trainer(settings.steps, compute=compute)
        pairs = _pairs(settings.recipe, PAIR_RECIPES[found.pairs], found.pairs)
        return cls(settings.recipe, StudentRecipe().following(found), trainer, pairs, found.drop_path)

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


_LEFT_OUT = ("report_every", "compute")


def _pairs(name: str, pairs: PairRecipe, drawn: str) -> PairRecipe:
    """The pairs of a recipe as students are distilled on them: with their target, and one template."""
    if pairs.negatives:
        raise UsageError(
            f"--recipe {name} draws pairs without their target ({drawn}), which train a score head alone. Give another."
        )
    if pairs.templates == 1:
        return pairs
    warn(
        f"--recipe {name} draws {pairs.templates} templates ({drawn}), but students are distilled with the first one "
        "in the place of all. So one is drawn; the rest of the recipe holds."
    )
    return replace(pairs, templates=1)
