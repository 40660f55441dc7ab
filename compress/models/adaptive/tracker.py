"""`AdaptiveTracker`: a tracker that works step by step, so that frames can skip layers and leave early."""

from __future__ import annotations

from abc import abstractmethod
from typing import cast

from torch import Tensor, nn

from compress.models.adaptive.bypass import Bypass
from compress.models.adaptive.exits import Exit
from compress.models.heads import Features
from compress.models.tracker import Tracker


class AdaptiveTracker(Tracker):
    """A tracker that may have bypass and exits; they concern the tokens of a frame only.

    A frame goes through `frame_tokens`, `decide` and `layer`, then `exit(k)`, or `features` and `answer` where there
    are no exits. Each can be called by itself, as export does.

    Attributes:
        bypass, exits: None where the spec has none; set by `add_decisions`.
    """

    bypass: Bypass | None
    exits: nn.ModuleList | None

    def add_decisions(self) -> None:
        """Create bypass and exits: called last when a tracker is made, so that static weights are drawn alike."""
        self.bypass = Bypass(self.spec) if self.spec.bypass else None
        exits = [Exit(self.spec, k) for k in range(len(self.spec.exits))]
        self.exits = nn.ModuleList(exits) if exits else None

    @abstractmethod
    def frame_tokens(self, search: Tensor, memory: dict[str, Tensor]) -> Tensor:
        """The tokens (B, N, dim) of a frame as they enter the first layer, those of `extra_tokens` at the end."""

    @abstractmethod
    def layer(self, i: int, x: Tensor, memory: dict[str, Tensor]) -> Tensor:
        """Layer i on the tokens (B, N, dim) of a frame; eliminates none."""

    @abstractmethod
    def search_tokens(self, x: Tensor, count: int) -> Tensor:
        """The search tokens among all, `count` of them."""

    @abstractmethod
    def features(self, x: Tensor) -> Features:
        """What the head reads, from the tokens (B, N, dim) behind the last layer."""

    def decide(self, i: int, x: Tensor) -> Tensor:
        """The probability (B,) of skipping layer i of `TrackerSpec.skippable`, which `x` (B, N, dim) would enter."""
        assert self.bypass is not None
        probability: Tensor = self.bypass(i, x)
        return probability

    def exit(self, k: int) -> Exit:
        """Exit k: `exit(k)(x, recycled)` scores, and its `read` and `answer` give the box."""
        assert self.exits is not None
        return cast(Exit, self.exits[k])
