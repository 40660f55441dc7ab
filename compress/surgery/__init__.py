"""Teacher weights into student weights."""

from compress.surgery.block import State
from compress.surgery.elastic import Elastic, elastic_network
from compress.surgery.importance import InputStatistics, observe
from compress.surgery.inherit import Rank, inherit, start_from_timm
from compress.surgery.levit import LevitSurgery
from compress.surgery.registry import SURGERY, Surgery
from compress.surgery.vit import VitSurgery

__all__ = [
    "Elastic",
    "InputStatistics",
    "LevitSurgery",
    "Rank",
    "SURGERY",
    "State",
    "Surgery",
    "VitSurgery",
    "elastic_network",
    "inherit",
    "observe",
    "start_from_timm",
]
