"""The plain ViT: layers of one width over all tokens (OSTrack, LiteTrack, MixFormerV2, ABTrack, DyTrack)."""

from __future__ import annotations

from collections.abc import Iterator

from compress.core.backbones.rules import BACKBONES
from compress.core.component import Component
from compress.core.cost.vit import vit_components
from compress.core.tracker_fields import TrackerFields


class VitRules:
    """Rules of plain ViTs, see `BackboneRules`; those of a one-stream backbone from outside may start from these."""

    def problems(self, spec: TrackerFields) -> Iterator[str]:
        """No stages."""
        if spec.stages or any(layer.stage for layer in spec.layers):
            yield f"stages belong to the backbone levit, but the backbone is {spec.backbone}"

    def components(self, spec: TrackerFields) -> Iterator[Component]:
        """Patches, positions, learned tokens, layers with their bypass decisions, final norm."""
        return vit_components(spec)

    def head_width(self, spec: TrackerFields) -> int:
        """That of all tokens."""
        return spec.dim

    def layer_shape(self, spec: TrackerFields, i: int) -> tuple[int, int]:
        """The same for every layer."""
        return spec.search_tokens, spec.dim


BACKBONES.register("vit", VitRules())
