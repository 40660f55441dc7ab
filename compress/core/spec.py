"""`TrackerSpec`: one tracker as a frozen, hashable, JSON-round-tripping value with a stable id."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, replace
from typing import Any

from compress.core.backbones.rules import BACKBONES
from compress.core.errors import UsageError
from compress.core.plain import from_plain, to_plain
from compress.core.spec_fields import BypassSpec, ExitSpec
from compress.core.tracker_fields import TrackerFields
from compress.core.validity import problems


@dataclass(frozen=True)
class TrackerSpec(TrackerFields):
    """One tracker that can be built. Knows nothing of torch; network, weights and cost are functions of it.

    Raises:
        UsageError: naming every field that holds an impossible value.
    """

    def __post_init__(self) -> None:
        found = list(problems(self))
        if found:
            raise UsageError("This tracker cannot be built: " + "; ".join(found) + ".")

    def layer_shape(self, i: int) -> tuple[int, int]:
        """Search tokens that layer i puts out for one frame, those eliminated included, and their width."""
        return BACKBONES[self.backbone].layer_shape(self, i)

    @property
    def group_ends(self) -> list[int]:
        """The last layer of each group of layers that put out the same shape: of a plain ViT the last of all."""
        shapes = [self.layer_shape(i) for i in range(len(self.layers))]
        return [i for i, shape in enumerate(shapes) if shape not in shapes[i + 1 : i + 2]]

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON types; fields at their default are left out, so a new knob changes no old id."""
        return to_plain(self)

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> TrackerSpec:
        """Inverse of `to_dict`.

        Raises:
            UsageError: on an unknown, missing or mistyped field, by name.
        """
        return from_plain(cls, data, "spec")

    def to_json(self) -> str:
        """`to_dict` as canonical JSON, keys sorted: what ids are hashes of."""
        return json.dumps(self.to_dict(), sort_keys=True, separators=(",", ":"))

    @property
    def id(self) -> str:
        """Hash of the whole spec; evaluation and latency are keyed by it."""
        return "t" + hashlib.sha256(self.to_json().encode()).hexdigest()[:10]

    @property
    def weights_id(self) -> str:
        """Hash of what training depends on: without ρ and τ, which are chosen afterwards."""
        bypass = self.bypass and replace(self.bypass, rho=BypassSpec.rho)
        exits = tuple(replace(each, tau=ExitSpec.tau) for each in self.exits)
        return "w" + replace(self, bypass=bypass, exits=exits).id[1:]


def kept_dims(dim: int, heads: int, dr_ratio: float) -> int:
    """Dimensions kept when the share μ = `dr_ratio` is removed: d − floor(d·μ/heads)·heads (ABTrack, Table 3).

    Raises:
        UsageError: unless 0 ≤ `dr_ratio` < 1.
    """
    if not 0 <= dr_ratio < 1:
        raise UsageError(f"dr_ratio must be in [0, 1) but is {dr_ratio}.")
    # The small term undoes binary rounding: 192 · 0.3125 / 3 must floor to 20, however it was typed.
    return dim - int(dim * dr_ratio / heads + 1e-9) * heads
