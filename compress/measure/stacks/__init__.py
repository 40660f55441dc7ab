"""Which trackers are timed to learn what the components of a teacher's students cost. One file per backbone."""

from compress.measure.stacks.levit import LevitStacks
from compress.measure.stacks.table import STACKS, BackboneStacks, Components, Depths, Stacks, StacksOf
from compress.measure.stacks.vit import VitStacks
from compress.measure.stacks.vit_validation import vit_validation_set

__all__ = [
    "BackboneStacks",
    "Components",
    "Depths",
    "LevitStacks",
    "STACKS",
    "Stacks",
    "StacksOf",
    "VitStacks",
    "vit_validation_set",
]
