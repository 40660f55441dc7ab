"""Teacher weights into student weights."""

from compress.surgery.inherit import Rank, inherit, start_from_timm
from compress.surgery.layer import State
from compress.surgery.levit import LevitSurgery
from compress.surgery.plain_vit import VitSurgery
from compress.surgery.registry import SURGERY, Surgery

__all__ = ["LevitSurgery", "Rank", "SURGERY", "State", "Surgery", "VitSurgery", "inherit", "start_from_timm"]
