"""The recipe that a search trains its students by, or a fine-tuning goes on by, looked up and found to fit."""

from __future__ import annotations

from compress.core import TrackerSpec, UsageError, warn
from compress.data.pairs import PAIR_RECIPES, PairRecipe
from compress.distill import StudentRecipe, load_recipe
from compress.driver.strategies import LAYER_VARIANTS, SHARED_WEIGHTS
from compress.driver.training_pairs import one_template


def student_recipe(name: str, strategy: str, teacher: TrackerSpec) -> StudentRecipe:
    """How all students of a search are trained.

    Args:
        name: Of a shipped recipe, or a path, see `load_recipe`.

    Raises:
        UsageError: an unknown recipe, or one that cannot be with this strategy or teacher.
        FileError: a file that is missing or wrong.
    """
    found = load_recipe(name)
    if found.pairs != "default":
        student_pairs(name, found.pairs)
    stage = found.student.stage
    if stage and strategy in (*SHARED_WEIGHTS, *LAYER_VARIANTS):
        raise UsageError(
            f"--recipe {name} has a stage ({stage}) in which students start from the teacher, but --strategy "
            f"{strategy} starts them from weights of its own. Take --strategy halving, or a recipe without a stage."
        )
    if stage and len(teacher.group_ends) > 1:
        raise UsageError(
            f"--recipe {name} has a stage ({stage}), which takes layers of one width, and this teacher has stages of "
            "several. Take a recipe without a stage."
        )
    return StudentRecipe.of(found)


def student_pairs(name: str, drawn: str) -> PairRecipe:
    """The pairs of a recipe as students are distilled on them: with their target, and one template.

    Args:
        name: Of the recipe.
        drawn: How it draws pairs, by a name in `PAIR_RECIPES`.

    Raises:
        UsageError: they are drawn without their target, too.
    """
    pairs = PAIR_RECIPES[drawn]
    if pairs.negatives:
        raise UsageError(
            f"--recipe {name} draws pairs without their target ({drawn}), which train a score head alone. Give another."
        )
    if pairs.templates > 1:
        warn(
            f"--recipe {name} draws {pairs.templates} templates ({drawn}), but students are distilled with the first "
            "one in the place of all. So one is drawn; the rest of the recipe holds."
        )
    return one_template(drawn)
