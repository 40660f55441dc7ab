"""HiT: a joint LeViT over search crop and template, the bridge, and a corner head on tokens it weighs globally."""

from __future__ import annotations

import torch
from torch import Tensor

from compress.core import ExecutionPath, TrackerSpec
from compress.models.levit.backbone import Levit
from compress.models.levit.bridge import Bridge
from compress.models.networks import NETWORKS
from compress.models.tracker import Tracker, TrackerOutput


class HitTracker(Tracker):
    """Search and template tokens see each other in every layer, so the stem is all that a template can keep.

    The bridge hands over as many channels as the head's first convolution has (256 of both in HiT).
    """

    def __init__(self, spec: TrackerSpec, *, drop_path: float = 0.0) -> None:
        super().__init__(spec)
        self.backbone = Levit(spec, drop_path=drop_path)
        self.bridge = Bridge([stage.dim for stage in spec.stages], spec.head.channels)

    def encode_template(
        self, template: Tensor, template_box: Tensor | None = None, online_template: Tensor | None = None
    ) -> dict[str, Tensor]:
        """`tokens` (B, Nz, dim): the stem's. HiT has no use for `template_box`, and no place for an online template."""
        (crop,) = self.templates(template, online_template)
        return {"tokens": self.backbone.embed(crop)}

    def track(
        self,
        search: Tensor,
        memory: dict[str, Tensor],
        *,
        collect: bool = False,
        every_exit: bool = False,
        forced_path: ExecutionPath | None = None,
    ) -> TrackerOutput:
        """One frame: search crops (B, 3, Sx, Sx) against what `encode_template` returned; options as of `forward`.

        `layers` shrink with the stages: (B, N², dim of the stage), N the grid's side, half of it, a quarter.
        """
        if forced_path is not None:
            forced_path.check(self.spec)
        out = self.backbone(torch.cat([self.backbone.embed(search), memory["tokens"]], dim=1))
        stages = [self._search(tokens, stage) for stage, tokens in enumerate(out.stages)]
        answer = self.answer(self.bridge.attended(self.bridge(stages, out.stages[-1])))
        if not collect:
            return answer
        where = (layer.stage for layer in self.spec.layers)
        return answer._replace(layers=tuple(map(self._search, out.layers, where)))

    def _search(self, tokens: Tensor, stage: int) -> Tensor:
        """The search tokens among all of a stage."""
        return tokens[:, : (self.spec.grid // 2**stage) ** 2]


NETWORKS.register("levit", HitTracker)
