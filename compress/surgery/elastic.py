"""One network of which every student of a space is a slice: shared weights that train all of them at once.

A slice is what `inherit` would cut out of the network, with gradients. Which units a slice keeps is fixed once, from
the teacher, so that a narrower slice's units are among a wider one's, and stay the same while weights change
(Once-for-all sorts channels by importance for the same reason; AutoFormer and BigNAS take the leading ones).
"""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from compress.core import BypassSpec, ExitSpec, TrackerSpec
from compress.models import Tracker
from compress.spaces import Space
from compress.surgery.block import State
from compress.surgery.compatibility import check_fit
from compress.surgery.importance import InputStatistics, observe
from compress.surgery.inherit import Rank, inherit
from compress.surgery.registry import SURGERY

_DRAWS = 256
"""Students of a space that are looked at for what the teacher lacks."""


@dataclass(frozen=True)
class Elastic:
    """A network of shared weights.

    Attributes:
        model: The teacher's layers and, where the space has them, gates for every layer and an exit behind each.
        ranking: Of the inputs of its backbone's linear layers, as they were in the teacher, with `importance`.
        mlp_rank: Which hidden units a thinner MLP keeps; see `inherit`.
    """

    model: Tracker
    ranking: Mapping[str, InputStatistics]
    mlp_rank: Rank = "importance"

    def tensors(self, spec: TrackerSpec) -> State:
        """The slice's state dict; gradients reach the parameters of `model`, and buffers may be its own.

        Raises:
            UsageError: a student that is no slice, see `check_fit`.
        """
        check_fit(self.model.spec, spec)
        return SURGERY[spec.backbone].cut(self.model, spec, self.ranking, leading=self.mlp_rank == "leading")

    def slice(self, spec: TrackerSpec) -> Tracker:
        """The slice as a network of its own, in the mode of `model`.

        Raises:
            UsageError: a student that is no slice, see `check_fit`.
        """
        return inherit(self.model, spec, mlp_rank=self.mlp_rank, calibration=self.ranking)


def elastic_network(
    teacher: Tracker, space: Space, calibration: tuple[Tensor, Tensor], *, mlp_rank: Rank = "importance"
) -> Elastic:
    """The network of a space before it is trained: each slice is what `inherit` makes of the teacher.

    Args:
        calibration: Normalised crops (template, search), see `inherit`; they fix the ranking.
    """
    observed = observe(teacher, *calibration)
    with torch.no_grad():
        importance = SURGERY[teacher.spec.backbone].importance(teacher, observed)
    ranking = {name: replace(observed[name], importance=each) for name, each in importance.items()}
    model = inherit(teacher, elastic_spec(teacher.spec, space), calibration=ranking)
    return Elastic(model, ranking, mlp_rank)


def elastic_spec(teacher: TrackerSpec, space: Space) -> TrackerSpec:
    """The teacher with what it lacks and students of the space have: gates, and exits behind all layers."""
    rng = random.Random(0)
    students = [space.sample(teacher, rng) for _ in range(_DRAWS)]
    spec = teacher
    if any(each.bypass for each in students):
        # A gate belongs to a layer of the teacher, and a student may skip any layer but its first ones.
        spec = replace(_whole(spec), bypass=replace(teacher.bypass or BypassSpec(), n_enf=0))
    if any(each.exits for each in students):
        adapter = max(exit.adapter for each in students for exit in each.exits)
        first = 1 + teacher.count("FE")
        exits = tuple(ExitSpec(after, adapter) for after in range(first, len(teacher.layers) + 1))
        recycling = next(each.recycling for each in students if each.exits)
        spec = replace(_whole(spec), exits=exits, recycling=recycling)
    return spec


def _whole(spec: TrackerSpec) -> TrackerSpec:
    """Without candidate elimination, which neither bypass nor exits go with, and which has no weights."""
    return replace(spec, layers=tuple(replace(layer, keep=None) for layer in spec.layers))
