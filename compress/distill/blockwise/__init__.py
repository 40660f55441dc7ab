"""Variants of single layers, each distilled on the tokens of the teacher's own layer, and scored in its place."""

from compress.distill.blockwise.layer_work import LayerWork, MadeVariant
from compress.distill.blockwise.layers import half_of
from compress.distill.blockwise.scoring import VariantScore
from compress.distill.blockwise.training import LocalRecipe, Rows, distill_half, mean_loss, refit
from compress.distill.blockwise.variant_file import read_variant, save_variant

__all__ = [
    "LayerWork",
    "LocalRecipe",
    "MadeVariant",
    "Rows",
    "VariantScore",
    "distill_half",
    "half_of",
    "mean_loss",
    "read_variant",
    "refit",
    "save_variant",
]
