"""A search space: YAML → knobs → `TrackerSpec`; sampling, enumeration, validity. No torch."""

from compress.spaces.draft import Draft, Scalar
from compress.spaces.knob import NEVER, Knob, LayerKnob, is_conditional, knob_and_layer, parameter_of
from compress.spaces.knobs import FIXED_KNOBS, KNOBS, ONLY_WITH
from compress.spaces.precision_knob import PRECISION
from compress.spaces.reading import is_space_file, load_space, read_space, space_names
from compress.spaces.space import Space, random_choice

__all__ = [
    "Draft",
    "FIXED_KNOBS",
    "KNOBS",
    "Knob",
    "LayerKnob",
    "NEVER",
    "ONLY_WITH",
    "PRECISION",
    "Scalar",
    "Space",
    "is_conditional",
    "is_space_file",
    "knob_and_layer",
    "load_space",
    "parameter_of",
    "random_choice",
    "read_space",
    "space_names",
]
