"""The knobs that come with the package, in the order of the build, and which of them each backbone lacks.

A new knob is one class and one line here; one from outside the package registers itself in `KNOBS`.
"""

from __future__ import annotations

from compress.spaces.adaptive_knobs import Adapters, Bypass, Exits, NEnf, Tau0
from compress.spaces.knob import FIXED_KNOBS, KNOBS, NEVER
from compress.spaces.layer_knobs import Depth, DrRatio, Interaction, Layers, MlpRatio

KNOBS.register("depth", Depth())
KNOBS.register("layers", Layers())
KNOBS.register("interaction", Interaction())
KNOBS.register("dr_ratio", DrRatio())
KNOBS.register("mlp_ratio", MlpRatio())
KNOBS.register("bypass", Bypass())
KNOBS.register("tau0", Tau0())
KNOBS.register("n_enf", NEnf())
KNOBS.register("exits", Exits())
KNOBS.register("adapters", Adapters())

FIXED_KNOBS.register("vit", {})
# Batch norms stand between a LeViT's linear layers, so their dimensions are not reduced; all of its layers are joint,
# and each stage needs those before it for every frame.
FIXED_KNOBS.register("levit", {"interaction": "joint", "dr_ratio": 0, "bypass": NEVER, "exits": NEVER})

__all__ = ["FIXED_KNOBS", "KNOBS"]
