"""Parameters and multiply-accumulates of a tracker, from its spec alone.

Convention: one multiply-add counts one. Linear layers, convolutions and both attention products count; norms,
activations, softmax and additions do not. Papers often leave the attention products out as well.
"""

from compress.core.component import Component, Work
from compress.core.cost.tracker import (
    Macs,
    MacsRange,
    components,
    macs,
    macs_cheapest,
    macs_linear_conv,
    parameters,
)

__all__ = [
    "Component",
    "Macs",
    "MacsRange",
    "Work",
    "components",
    "macs",
    "macs_cheapest",
    "macs_linear_conv",
    "parameters",
]
