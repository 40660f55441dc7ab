"""`Tracker`: what every network built from a `TrackerSpec` can do; template work is apart from per-frame work."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

from torch import Tensor, nn

from compress.core import ExecutionPath, TrackerSpec, UsageError
from compress.models.heads import Features, create_head, decode


class TrackerOutput(NamedTuple):
    """The output of a tracker for a batch of search crops.

    Attributes:
        boxes: (B, 4) cx, cy, w, h in shares of the search crop, without a window.
        score: (B,) confidence in [0, 1]: the IoU that the exit taken predicts; without exits the highest of the score
            map; the score head's; without any of these the mean height of the corners' or sides' peaks.
        maps: The head's, see `TrackerSpec.maps`, batched.
        layers: Search tokens (B, N, dim) after every layer that was reached, the last layer's as the head reads
            them; None unless asked for. Those eliminated are zero, those of frames that left before are NaN.
        decisions: What was decided about each frame; None where the tracker has neither bypass nor exits.
    """

    boxes: Tensor
    score: Tensor
    maps: dict[str, Tensor]
    layers: tuple[Tensor, ...] | None = None
    decisions: Decisions | None = None


class Decisions(NamedTuple):
    """What an adaptive tracker decided about each frame of a batch.

    Attributes:
        bypass: (B, S) skipping probabilities of the S layers of `TrackerSpec.skippable`, with gradients in train
            mode; NaN where a frame left before the layer; None without bypass.
        skipped: (B, L) whether a layer was skipped; those behind the exit taken are not.
        exit: (B,) index of the exit taken, int64; 0 without exits.
        scores: (B, E) the IoU that each exit expected of its box; NaN where a frame left before; None without exits.
        exits: In train mode or when asked for, each exit's own answer about the whole batch, `score` being its
            predicted IoU.
        features: Along with `exits`, the search tokens (B, N², dim) that each exit's head read.
    """

    bypass: Tensor | None
    skipped: Tensor
    exit: Tensor
    scores: Tensor | None = None
    exits: tuple[TrackerOutput, ...] | None = None
    features: tuple[Tensor, ...] | None = None


class Tracker(nn.Module, ABC):
    """Base of all networks: the calling convention, the checks and the head."""

    def __init__(self, spec: TrackerSpec) -> None:
        super().__init__()
        self.spec = spec
        self._keep_share: float | None = None
        # Each exit has a head of its own.
        self.box_head = None if spec.exits else create_head(spec)

    def forward(
        self,
        template: Tensor,
        search: Tensor,
        online_template: Tensor | None = None,
        template_box: Tensor | None = None,
        *,
        collect: bool = False,
        every_exit: bool = False,
        forced_path: ExecutionPath | None = None,
    ) -> TrackerOutput:
        """Track from normalised crops, `template` (B, 3, Sz, Sz) and `search` (B, 3, Sx, Sx).

        Args:
            online_template: (B, 3, Sz, Sz), or (B, K, 3, Sz, Sz) for several, where the tracker renews its
                template; None takes the template again.
            template_box: (B, 4) x1, y1, x2, y2 in shares of the template crop, for the target token.
            collect: Also return the search tokens after every layer.
            every_exit: Compute all layers and the answer of every exit, as train mode always does.
            forced_path: The execution path that every frame takes, for measuring and testing a tracker path by path.
                Decisions are still computed, as they are part of what a path costs, but not followed; what the path
                leaves None is decided as usual.

        Raises:
            UsageError: crops of another shape, an online template that the tracker has no place for, or a path that
                it does not have.
        """
        self._check("search", search, self.spec.search_size)
        memory = self.encode_template(template, template_box, online_template)
        return self.track(search, memory, collect=collect, every_exit=every_exit, forced_path=forced_path)

    @contextmanager
    def keeping(self, share: float) -> Iterator[None]:
        """Within it, layers that eliminate search tokens pass on this share of them, in (0, 1], not their own."""
        own, self._keep_share = self._keep_share, share
        try:
            yield
        finally:
            self._keep_share = own

    @abstractmethod
    def encode_template(
        self, template: Tensor, template_box: Tensor | None = None, online_template: Tensor | None = None
    ) -> dict[str, Tensor]:
        """Everything per-frame work needs of the templates, computed once per sequence, or per renewed template."""

    @abstractmethod
    def track(
        self,
        search: Tensor,
        memory: dict[str, Tensor],
        *,
        collect: bool = False,
        every_exit: bool = False,
        forced_path: ExecutionPath | None = None,
    ) -> TrackerOutput:
        """One frame: search crops (B, 3, Sx, Sx) against what `encode_template` returned; options as of `forward`."""

    def answer(self, features: Features) -> TrackerOutput:
        """The head's maps and the box they give."""
        assert self.box_head is not None, "exits answer for themselves"
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
