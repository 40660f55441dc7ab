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
        """Hash of what training depends on: without what is chosen afterwards.

        That is ρ, τ, the precision and, with `keep_least`, shares.
        """
        spec = self._without_thresholds.in_fp32
        if spec.keep_least is not None:
            layers = (replace(x, keep=None if x.keep is None else spec.keep_least) for x in spec.layers)
            spec = replace(spec, layers=tuple(layers))
        return "w" + spec.id[1:]

    @property
    def student_id(self) -> str:
        """Hash of what a search chooses, without ρ and τ, which follow; students of one `weights_id` may be several."""
        return "s" + self._without_thresholds.id[1:]

    @property
    def in_fp32(self) -> TrackerSpec:
        """The same in fp32, which is what it is trained in."""
        return replace(self, precision="fp32")

    @property
    def _without_thresholds(self) -> TrackerSpec:
        bypass = self.bypass and replace(self.bypass, rho=BypassSpec.rho)
        exits = tuple(replace(each, tau=ExitSpec.tau) for each in self.exits)
        return replace(self, bypass=bypass, exits=exits)

    def keeping(self, share: float) -> TrackerSpec:
        """The tracker of the same weights whose eliminating layers pass on another share of their search tokens.

        Args:
            share: From `keep_least` up to, not including, 1.

        Raises:
            UsageError: a share outside of that, no layer that eliminates, or weights for the layers' own shares alone.
        """
        if not self.eliminating or self.keep_least is None:
            why = "its weights were trained for its own shares alone" if self.eliminating else "no layer eliminates any"
            raise UsageError(
                f"The share of search tokens that the tracker {self.id} keeps cannot be chosen: {why}. "
                "Students of a space with keep_ratio are trained for any."
            )
        if not self.keep_least <= share < 1:
            raise UsageError(
                f"The share of kept search tokens must be from {self.keep_least} to below 1 but is {share}."
            )
        layers = (replace(x, keep=None if x.keep is None else share) for x in self.layers)
        return replace(self, layers=tuple(layers))


def kept_dims(dim: int, heads: int, dr_ratio: float) -> int:
    """Dimensions kept when the share μ = `dr_ratio` is removed: d − floor(d·μ/heads)·heads (ABTrack, Table 3).

    Raises:
        UsageError: unless 0 ≤ `dr_ratio` < 1.
    """
    if not 0 <= dr_ratio < 1:
        raise UsageError(f"dr_ratio must be in [0, 1) but is {dr_ratio}.")
    # The small term undoes binary rounding: 192 · 0.3125 / 3 must floor to 20, however it was typed.
    return dim - int(dim * dr_ratio / heads + 1e-9) * heads
