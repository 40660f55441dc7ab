"""Stacks of LeViT layers: one stage deep at a time."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from compress.core import LayerSpec, TrackerSpec
from compress.latency import Block, Overhead
from compress.measure.coverage import Coverage
from compress.measure.stacks.components import Components, Depths

Times = Callable[[TrackerSpec], float]


@dataclass(frozen=True)
class LevitStacks:
    """All stages shallow, and each in turn deep, with its thinnest and with its widest MLP.

    Stem, shrink attentions, bridge and head are the rest: they are the same for every tracker of a family.
    """

    teacher: TrackerSpec
    coverage: Coverage
    depths: Depths

    def trackers(self) -> Iterator[TrackerSpec]:
        yield self._shallow()
        for stage, widths in enumerate(self.coverage.mlp_hidden):
            for hidden in widths:
                yield self._deep(stage, hidden)

    def parts(self, ms: Times) -> Components:
        shallow = ms(self._shallow())
        blocks, rest = [], shallow
        for stage, widths in enumerate(self.coverage.mlp_hidden):
            costs = self._costs(stage, ms, shallow)
            rest -= self.depths.shallow * costs[widths[-1]]
            blocks += [Block("joint", hidden, cost, stage=stage) for hidden, cost in costs.items()]
        return Components((Overhead("joint", rest),), tuple(blocks))

    def _costs(self, stage: int, ms: Times, shallow: float) -> dict[int, float]:
        """A layer's cost by hidden units; the shallow stack's are the widest."""
        widths, few, deep = self.coverage.mlp_hidden[stage], self.depths.shallow, self.depths.deep
        more = {hidden: ms(self._deep(stage, hidden)) - shallow for hidden in widths}
        wide = more[widths[-1]] / (deep - few)
        return {hidden: (more[hidden] + few * wide) / deep for hidden in widths}

    def _shallow(self) -> TrackerSpec:
        return self._stack({})

    def _deep(self, stage: int, hidden: int) -> TrackerSpec:
        return self._stack({stage: [hidden] * self.depths.deep})

    def _stack(self, instead: dict[int, list[int]]) -> TrackerSpec:
        usual = [[widths[-1]] * self.depths.shallow for widths in self.coverage.mlp_hidden]
        return levit_tracker(self.teacher, [instead.get(stage, hidden) for stage, hidden in enumerate(usual)])


def levit_tracker(teacher: TrackerSpec, hidden: Sequence[Sequence[int]]) -> TrackerSpec:
    """A tracker of the teacher's family, from the hidden units of each stage's layers."""
    flat = [(stage, width) for stage, widths in enumerate(hidden) for width in widths]
    layers = (LayerSpec(source=i, mlp_hidden=width, stage=stage) for i, (stage, width) in enumerate(flat))
    return dataclasses.replace(teacher, layers=tuple(layers))
