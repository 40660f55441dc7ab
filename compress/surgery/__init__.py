"""Teacher weights into student weights."""

from compress.surgery.block import State
from compress.surgery.elastic import Elastic, elastic_network
from compress.surgery.global_ranking import ranked_across_layers
from compress.surgery.importance import InputStatistics, observe
from compress.surgery.inherit import Rank, inherit, start_from_timm
from compress.surgery.layer_variants import (
    AttentionVariant,
    MlpVariant,
    Skip,
    Variant,
    assemble,
    check_layers,
    cut_variant,
    layer_of,
    own_variants,
    variants_of,
)
from compress.surgery.levit import LevitSurgery
from compress.surgery.registry import SURGERY, Surgery
from compress.surgery.vit import VitSurgery

__all__ = [
    "AttentionVariant",
    "Elastic",
    "InputStatistics",
    "LevitSurgery",
    "MlpVariant",
    "Rank",
    "SURGERY",
    "Skip",
    "State",
    "Surgery",
    "Variant",
    "VitSurgery",
    "assemble",
    "check_layers",
    "cut_variant",
    "elastic_network",
    "inherit",
    "layer_of",
    "observe",
    "own_variants",
    "ranked_across_layers",
    "start_from_timm",
    "variants_of",
]
