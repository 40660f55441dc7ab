"""A search space: YAML → knobs → `TrackerSpec`; sampling, enumeration, validity. No torch."""

from compress.spaces.draft import Scalar
from compress.spaces.knobs import KNOBS
from compress.spaces.reading import load_space, read_space, space_names
from compress.spaces.space import Space

__all__ = ["KNOBS", "Scalar", "Space", "load_space", "read_space", "space_names"]
