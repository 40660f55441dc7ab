"""Stacks of LeViT layers: one stage deep at a time."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from compress.core import TrackerSpec
from compress.latency import BlockCost, Overhead
from compress.measure.coverage import Coverage
from compress.measure.stacks.table import STACKS, BackboneStacks, Components, Depths, Times
from compress.measure.stacks.trackers import tracker_of_stages


@dataclass(frozen=True)
class LevitStacks:
    """All stages shallow, and each in turn deep, with its thinnest and with its widest MLP.

    Stem, shrink attentions, bridge and head are the rest: they are the same for every tracker of a family.
    `sparing` changes nothing.
    """

    teacher: TrackerSpec
    coverage: Coverage
    depths: Depths
    sparing: bool = False

    def trackers(self) -> Iterator[TrackerSpec]:
        yield self._shallow()
        for stage, widths in enumerate(self.coverage.mlp_hidden):
            for hidden in widths:
                yield self._deep(stage, hidden)

    def components(self, ms: Times) -> Components:
        shallow = ms(self._shallow())
        blocks, rest = [], shallow
        for stage, widths in enumerate(self.coverage.mlp_hidden):
            costs = self._costs(stage, ms, shallow)
            rest -= self.depths.shallow * costs[widths[-1]]
            blocks += [BlockCost("joint", hidden, cost, stage=stage) for hidden, cost in costs.items()]
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
        return tracker_of_stages(self.teacher, [instead.get(stage, hidden) for stage, hidden in enumerate(usual)])


def levit_validation_set(teacher: TrackerSpec, coverage: Coverage) -> dict[str, TrackerSpec]:
    """All stages as deep as the teacher's, shallow, or one of them deep, with widths that no stack has."""
    depths = [sum(layer.stage == stage for layer in teacher.layers) for stage in range(len(teacher.stages))]
    wide = [widths[-1] for widths in coverage.mlp_hidden]
    lean = [(3 * widths[0] + widths[-1]) // 4 for widths in coverage.mlp_hidden]
    middle = [(widths[0] + widths[-1]) // 2 for widths in coverage.mlp_hidden]
    layouts = {
        "deep": _stages(depths, wide),
        "least": _stages([1 for _ in depths], wide),
        "shallow": _stages([max(1, depth // 2) for depth in depths], wide),
        "lean": _stages(depths, lean),
        "early": _stages([depth if i == 0 else 1 for i, depth in enumerate(depths)], middle),
        "late": _stages([depth if i == len(depths) - 1 else 1 for i, depth in enumerate(depths)], middle),
    }
    return {name: tracker_of_stages(teacher, hidden) for name, hidden in layouts.items()}


def _stages(depths: list[int], widths: list[int]) -> list[list[int]]:
    return [[width] * depth for depth, width in zip(depths, widths, strict=True)]


# Named trackers have up to four layers in a stage, so a shallow stack of three is like them.
STACKS.register("levit", BackboneStacks(shallow=3, stacks=LevitStacks, validation_set=levit_validation_set))
