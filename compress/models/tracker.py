"""`Tracker`: what every network built from a `TrackerSpec` can do; template work is apart from per-frame work."""

from __future__ import annotations

from typing import NamedTuple

from torch import Tensor, nn

from compress.core import TrackerSpec, UsageError
from compress.models.features import Features
from compress.models.heads import create_head, decode


class TrackerOutput(NamedTuple):
    """What a tracker says about a batch of search crops.

    Attributes:
        boxes: (B, 4) cx, cy, w, h in shares of the search crop, without a window.
        score: (B,) confidence in [0, 1]: the highest of the score map; the score head's; without either the mean
            height of the corners' or sides' peaks.
        maps: The head's, see `TrackerSpec.maps`, batched.
        layers: Search tokens (B, N, dim) after every layer, the last after any final norm; None unless asked for.
            Those eliminated are zero.
    """

    boxes: Tensor
    score: Tensor
    maps: dict[str, Tensor]
    layers: tuple[Tensor, ...] | None = None


class Tracker(nn.Module):
    """Base of all families: the calling convention, the checks and the head."""

    def __init__(self, spec: TrackerSpec) -> None:
        super().__init__()
        self.spec = spec
        self.box_head = create_head(spec)

    def forward(
        self,
        template: Tensor,
        search: Tensor,
        online_template: Tensor | None = None,
        template_box: Tensor | None = None,
        *,
        collect: bool = False,
    ) -> TrackerOutput:
        """Track from normalised crops, `template` (B, 3, Sz, Sz) and `search` (B, 3, Sx, Sx).

        Args:
            online_template: (B, 3, Sz, Sz), or (B, K, 3, Sz, Sz) for several, where the tracker renews its
                template; None takes the template again.
            template_box: (B, 4) x1, y1, x2, y2 in shares of the template crop, for the target token.
            collect: Also return the search tokens after every layer.

        Raises:
            UsageError: crops of another shape, or an online template that the tracker has no place for.
        """
        self._check("search", search, self.spec.search_size)
        memory = self.encode_template(template, template_box, online_template)
        return self.track(search, memory, collect=collect)

    def encode_template(
        self, template: Tensor, template_box: Tensor | None = None, online_template: Tensor | None = None
    ) -> dict[str, Tensor]:
        """Everything per-frame work needs of the templates, computed once per sequence, or per renewed template."""
        raise NotImplementedError

    def track(self, search: Tensor, memory: dict[str, Tensor], *, collect: bool = False) -> TrackerOutput:
        """One frame: search crops (B, 3, Sx, Sx) against what `encode_template` returned."""
        raise NotImplementedError

    def answer(self, features: Features) -> TrackerOutput:
        """The head's maps and the box they tell."""
        maps = self.box_head(features)
        boxes, score = decode(maps)
        return TrackerOutput(boxes, score, maps)

    def templates(self, template: Tensor, online_template: Tensor | None) -> list[Tensor]:
        """The first template and the online ones, each checked (B, 3, Sz, Sz)."""
        wanted = self.spec.online_templates
        self._check("template", template, self.spec.template_size)
        if online_template is None:
            return [template] * (1 + wanted)
        if not wanted:
            raise UsageError("This tracker takes no online template; call it without one.")
        online = list(online_template.unbind(1)) if online_template.ndim == 5 else [online_template]
        for crop in online:
            self._check("online_template", crop, self.spec.template_size)
        return [template, *online]

    def _check(self, name: str, crop: Tensor, size: int) -> None:
        if tuple(crop.shape[1:]) != (3, size, size):
            raise UsageError(f"The {name} must have shape (B, 3, {size}, {size}) but has {tuple(crop.shape)}.")
