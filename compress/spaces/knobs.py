"""The knobs that come with the package, in the order of the build, and which of them each backbone lacks.

A new knob is one class and one line here; one from outside the package registers itself in `KNOBS`.
"""

from __future__ import annotations

from compress.spaces.adaptive_knobs import AdaptersKnob, BypassKnob, ExitsKnob, NEnfKnob, Tau0Knob
from compress.spaces.knob import FIXED_KNOBS, KNOBS, NEVER, ONLY_WITH
from compress.spaces.layer_knobs import DepthKnob, DrRatioKnob, HeadsKnob, InteractionKnob, LayersKnob, MlpRatioKnob
from compress.spaces.precision_knob import PRECISION, PrecisionKnob
from compress.spaces.resolution_knobs import OWN, SIZES
from compress.spaces.token_knobs import KeepAfterKnob, KeepByKnob, KeepRatioKnob, KeepTemplateKnob

KNOBS.register("depth", DepthKnob())
KNOBS.register("layers", LayersKnob())
KNOBS.register("interaction", InteractionKnob())
KNOBS.register("dr_ratio", DrRatioKnob())
KNOBS.register("heads", HeadsKnob())
KNOBS.register("mlp_ratio", MlpRatioKnob())
KNOBS.register("bypass", BypassKnob())
KNOBS.register("tau0", Tau0Knob())
KNOBS.register("n_enf", NEnfKnob())
KNOBS.register("exits", ExitsKnob())
KNOBS.register("adapters", AdaptersKnob())
KNOBS.register("keep_ratio", KeepRatioKnob())
KNOBS.register("keep_after", KeepAfterKnob())
KNOBS.register("keep_by", KeepByKnob())
KNOBS.register("keep_template", KeepTemplateKnob())
KNOBS.register(PRECISION, PrecisionKnob())
for _name, _knob in SIZES.items():
    KNOBS.register(_name, _knob)

# The attention of the template's tokens ranks the search tokens, which FE and AI layers do not compute; and what a
# frame's decisions read must not depend on how many tokens are left.
ONLY_WITH.register("keep_ratio", {"interaction": "joint", "bypass": NEVER, "exits": NEVER})

FIXED_KNOBS.register("vit", {})
# Batch norms stand between a LeViT's linear layers, so their dimensions are not reduced; all of its layers are joint,
# with the heads of their stage, and each stage needs those before it for every frame. Its positions are biases of
# attention, a table for each layer over the offsets of one grid, and that grid is halved twice: crops are multiples of
# 64 pixels, and stay as they are.
FIXED_KNOBS.register(
    "levit",
    {
        "interaction": "joint",
        "dr_ratio": 0,
        "heads": 1,
        "bypass": NEVER,
        "exits": NEVER,
        "keep_ratio": NEVER,
        "search_size": OWN,
        "template_size": OWN,
        "keep_template": 1,
    },
)

__all__ = ["FIXED_KNOBS", "KNOBS", "ONLY_WITH"]
