"""The frames of a batch that are still inside an adaptive tracker: layers, bypass decisions, frames that leave."""

from __future__ import annotations

import torch
from torch import Tensor

from compress.core import ExecutionPath
from compress.models.adaptive.bypass import straight_through
from compress.models.adaptive.tracker import AdaptiveTracker
from compress.models.tracker import Decisions


class ActiveBatch:
    """The frames of a batch that no exit has taken yet, and what was decided about all of them.

    Attributes:
        x: Their tokens (n, N, dim).
        rows: Their places (n,) in the batch.
        recycled: What the last exit hands to the next (n, N, dim).
        layers: Search tokens (B, N², dim) after every layer so far, where they are collected.
    """

    def __init__(
        self,
        tracker: AdaptiveTracker,
        search: Tensor,
        memory: dict[str, Tensor],
        forced_path: ExecutionPath,
        *,
        collect: bool,
    ) -> None:
        self.tracker, self.spec, self.forced_path = tracker, tracker.spec, forced_path
        self.x = tracker.frame_tokens(search, memory)
        self.rows = torch.arange(len(search), device=search.device)
        self.recycled: Tensor | None = None
        self.layers: list[Tensor] = []
        self._memory, self._collect, self._batch, self._done = memory, collect, len(search), 0
        self._probabilities: list[Tensor] = []
        self._skips: list[Tensor] = []
        self._scores: list[Tensor] = []

    def run(self, after: int) -> None:
        """Go on until `after` layers are done, as the bypass decisions or the forced path have it."""
        for i in range(self._done, after):
            self.x = self._decided(i) if i in self.spec.skippable else self.tracker.layer(i, self.x, self._memory)
            if self._collect:
                self.layers.append(self._spread(self.tracker.search_tokens(self.x, self.spec.search_tokens)))
        self._done = after

    def scored(self, score: Tensor) -> None:
        """The next exit expects an IoU of `score` (n,) of its boxes."""
        self._scores.append(self._spread(score))

    def stay(self, places: Tensor) -> None:
        """Only the frames at `places` among those still inside go on."""
        self.rows, self.x = self.rows[places], self.x[places]
        self._memory = {name: value[places] for name, value in self._memory.items()}
        self.recycled = None if self.recycled is None else self.recycled[places]

    def at_the_end(self, search: Tensor) -> None:
        """Collect what the last head reads (n, N², dim) in place of what the last layer handed on."""
        if self._collect:
            self.layers[-1] = self._spread(search)

    def decisions(self, taken: Tensor) -> Decisions:
        """All that was decided, with the index (B,) of the exit taken."""
        skipped = torch.zeros(self._batch, len(self.spec.layers), dtype=torch.bool, device=taken.device)
        for i, skip in zip(self.spec.skippable, self._skips, strict=False):
            skipped[:, i] = skip
        bypass = None if self.spec.bypass is None else self._reached(self._probabilities, len(self.spec.skippable))
        scores = self._reached(self._scores, len(self.spec.exits)) if self.spec.exits else None
        return Decisions(bypass, skipped, taken, scores)

    def _reached(self, values: list[Tensor], count: int) -> Tensor:
        """(B, `count`), NaN where no frame came."""
        missing = [torch.full((self._batch,), float("nan"), device=self.rows.device)] * (count - len(values))
        return torch.stack([*values, *missing], dim=1)

    def _decided(self, i: int) -> Tensor:
        """Behind layer i for the frames that run it, before it for those that skip it."""
        assert self.tracker.bypass is not None
        probability = self.tracker.decide(i, self.x)
        skip = self.tracker.bypass.skips(probability)
        if self.forced_path.skipped is not None:
            skip = torch.full_like(skip, i in self.forced_path.skipped)
        self._probabilities.append(self._spread(probability))
        self._skips.append(self._spread(skip))
        if self.tracker.training:
            after = self.tracker.layer(i, self.x, self._memory)
            return straight_through(self.x, after, probability, skip)
        return self._gated(i, skip)

    def _gated(self, i: int, skip: Tensor) -> Tensor:
        skips = skip.tolist()
        if all(skips):
            return self.x
        if not any(skips):
            return self.tracker.layer(i, self.x, self._memory)
        run = (~skip).nonzero().squeeze(1)
        memory = {name: self._memory[name][run] for name in (f"k{i}", f"v{i}") if name in self._memory}
        return self.x.index_copy(0, run, self.tracker.layer(i, self.x[run], memory))

    def _spread(self, value: Tensor) -> Tensor:
        """Values of the frames still inside (n, …) → of the whole batch (B, …), NaN or False for those that left."""
        if len(value) == self._batch:
            return value
        missing = float("nan") if value.is_floating_point() else False
        return value.new_full((self._batch, *value.shape[1:]), missing).index_copy(0, self.rows, value)
