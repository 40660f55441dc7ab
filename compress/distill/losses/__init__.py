"""Losses of every head: against the ground truth, and against the teacher's answers.

What applies is read off the names of the maps, see `TrackerSpec.maps`.
"""

from __future__ import annotations

from torch import Tensor

from compress.core import UsageError
from compress.distill.losses import centre, distributions
from compress.distill.trainer_settings import PUBLISHED, LossWeights

__all__ = ["ground_truth_loss", "imitation_loss"]


def ground_truth_loss(maps: dict[str, Tensor], boxes: Tensor, weights: LossWeights = PUBLISHED) -> dict[str, Tensor]:
    """The head's published loss as `loss`, its parts by name, and the mean `iou` of the predicted box.

    Args:
        boxes: (B, 4) cx, cy, w, h in shares of the search crop.
        weights: Of the parts in the loss; by default the published ones.
    """
    return (centre if "score_map" in maps else distributions).ground_truth(maps, boxes, weights)


def imitation_loss(maps: dict[str, Tensor], teacher: dict[str, Tensor]) -> dict[str, Tensor]:
    """How far a head's maps are from the teacher's, by parts `imitate_…`, each 0 for perfect imitation.

    Raises:
        UsageError: the two heads put out maps that do not compare.
    """
    _check(maps, teacher)
    return (centre if "score_map" in maps else distributions).imitation(maps, teacher)


def _check(maps: dict[str, Tensor], teacher: dict[str, Tensor]) -> None:
    sides_of_corners = "prob_l" in maps and "prob_tl" in teacher and "pred_scores" not in maps
    wanted = distributions.marginals(teacher) if sides_of_corners else teacher
    mine, theirs = ({k: tuple(v.shape[1:]) for k, v in x.items()} for x in (maps, wanted))
    if any(theirs.get(name) != shape for name, shape in mine.items()):
        raise UsageError(
            f"This student's head cannot imitate its teacher's: its maps are {mine}, and the teacher's give {theirs}. "
            "Take a student with the teacher's head, or a tokens head without a score whose bins are the cells on a "
            "side of the teacher's corner maps."
        )
