"""All knobs: each says which values it takes, what they mean for a teacher, and what they do to a student.

A new knob is one class and one entry here.
"""

from __future__ import annotations

from compress.spaces.adaptive_knobs import Adapters, Bypass, Exits, NEnf, Tau0
from compress.spaces.draft import Knob
from compress.spaces.layer_knobs import Depth, DrRatio, Interaction, Layers, MlpRatio

KNOBS: dict[str, Knob] = {
    "depth": Depth(),
    "layers": Layers(),
    "interaction": Interaction(),
    "dr_ratio": DrRatio(),
    "mlp_ratio": MlpRatio(),
    "bypass": Bypass(),
    "tau0": Tau0(),
    "n_enf": NEnf(),
    "exits": Exits(),
    "adapters": Adapters(),
}
"""Every knob, in the order of the build: each one acts on what those before it left."""
