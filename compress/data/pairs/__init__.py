"""Training pairs: which frames are drawn, how they are cut out and varied, and what a batch of them holds.

`recipe` has the figures of the published trainings, `samplers` and `views` say which frames are drawn, `frames` how
they are decoded, `crops` how they are cut out, `augmentation` how they are varied; `recorded` makes batches of them.
"""

from __future__ import annotations

from compress.data.pairs.batch import Pairs, PairSizes
from compress.data.pairs.crops import jittered
from compress.data.pairs.recipe import PAIR_RECIPES, Jitter, PairRecipe
from compress.data.pairs.recorded import recorded_pairs
from compress.data.pairs.samplers import FRAME_SAMPLERS, DrawnFrames, FrameSampler

__all__ = [
    "FRAME_SAMPLERS",
    "PAIR_RECIPES",
    "DrawnFrames",
    "FrameSampler",
    "Jitter",
    "PairRecipe",
    "PairSizes",
    "Pairs",
    "jittered",
    "recorded_pairs",
]
