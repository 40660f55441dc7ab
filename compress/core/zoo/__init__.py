"""Named trackers, one file per family."""

from compress.core.zoo import abtrack, dytrack, hit, litetrack, mixformer, ostrack
from compress.core.zoo.trackers import TRACKERS, describe

__all__ = ["TRACKERS", "abtrack", "describe", "dytrack", "hit", "litetrack", "mixformer", "ostrack"]
