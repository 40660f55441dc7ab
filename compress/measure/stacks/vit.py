"""Stacks of plain-ViT layers: every attention, thin and wide, reduced, with fewer tokens of either crop."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from compress.core import Attention, TrackerSpec
from compress.latency import BlockCost, Overhead, Point, WholeAttention, without_mlp
from compress.measure.coverage import Coverage
from compress.measure.stacks.table import STACKS, BackboneStacks, Components, Depths, Times
from compress.measure.stacks.trackers import eliminating, pruned, tracker_of_layers, with_sizes, with_template
from compress.measure.stacks.vit_validation import vit_validation_set

Costs = Mapping[Point, float]
_Rest = Mapping[Attention, float]

_ALL = 1 - 1e-9
"""A share of search tokens to keep that ranks them all and lets none go."""


@dataclass(frozen=True)
class VitStacks:
    """FE layers need AI layers behind them, so they are read off FE…FE AI with one AI layer.

    Attributes:
        sparing: Reduced layers are timed with one attention only, the teacher's last layer's. For the others they
            are worked out from it: the MLP's and the attention's share each change in the proportion that the
            unreduced layers show.
        template_kept: Share of the template's patches that go on in all stacks; None for all.
    """

    teacher: TrackerSpec
    coverage: Coverage
    depths: Depths
    sparing: bool = False
    template_kept: float | None = None

    def trackers(self) -> Iterator[TrackerSpec]:
        for kind in self.coverage.attentions:
            for point in self._points(kind):
                yield self._stack(kind, point, self.depths.deep)
            for heads in self._heads(kind):
                yield self._stack(kind, self.coverage.reference, self.depths.deep, heads)
            if kind != "FE":
                for point in self.coverage.unreduced:
                    yield self._stack(kind, point, self.depths.shallow)
        for sizes in self.coverage.sizes:
            for other in self._at(sizes):
                yield from other.trackers()
        if self._fewer:
            yield self._ranking()
        for tokens, tracker in self._fewer.items():
            stacks = self._joint_of(tracker)
            yield from stacks.trackers() if stacks is not self else ()
            yield from (stacks._eliminating(point, tokens) for point in self.coverage.unreduced)
        for patches, kind in self._templates:
            yield from (self._small(kind, point, patches) for point in self.coverage.unreduced)

    def components(self, ms: Times) -> Components:
        rest, layers = self._costs(ms)
        full = {kind: self._filled(costs, layers[self._detailed]) for kind, costs in layers.items()}
        overhead = [Overhead(_whole(kind), base) for kind, base in rest.items()]
        blocks = [block for kind in self.coverage.attentions for block in _blocks(kind, full[kind])]
        pruned = self._pruned(rest, layers, ms)
        blocks += [
            block for kind in self.coverage.attentions for block in _pruned_blocks(kind, full[kind], pruned[kind])
        ]
        for patches, kind in self._templates:
            deep = {p: ms(self._small(kind, p, patches)) for p in self.coverage.unreduced}
            small = {p: (each - rest[kind]) / self.depths.deep for p, each in deep.items()}
            blocks += _blocks(kind, scaled(full[kind], small), template=patches)
            few = _as_pruned(small, full[kind], pruned[kind])
            blocks += _pruned_blocks(kind, small, few, template=patches) if kind == "joint" else []
        for other in (each for sizes in self.coverage.sizes for each in self._at(sizes)):
            rest, layers = other._costs(ms)
            tokens, patches = other.teacher.search_tokens, len(other.teacher.template_places)
            overhead += [Overhead(_whole(kind), base, tokens) for kind, base in rest.items()]
            for kind, costs in layers.items():
                template = patches if kind == "joint" else None
                blocks += _blocks(kind, scaled(full[kind], costs), tokens, template)
                few = _as_pruned(costs, full[kind], pruned[kind])
                blocks += _pruned_blocks(kind, costs, few, tokens, template)
        elimination = self._elimination_ms(ms) if self._fewer else None
        for tokens, tracker in self._fewer.items():
            other = self._joint_of(tracker)
            fewer = other._with_fewer(tokens, elimination or 0.0, ms)
            template = None if other is self else len(other.teacher.template_places)
            blocks += _blocks("joint", scaled(full["joint"], fewer), tokens, template)
            few = _as_pruned(fewer, full["joint"], pruned["joint"])
            blocks += _pruned_blocks("joint", fewer, few, tokens, template)
        return Components(tuple(overhead), tuple(blocks), elimination)

    def _costs(self, ms: Times) -> tuple[dict[Attention, float], dict[Attention, dict[Point, float]]]:
        """By attention, a tracker's cost beside its layers, and a layer's at each point that was timed."""
        rest: dict[Attention, float] = {k: self._rest(k, ms) for k in self.coverage.attentions if k != "FE"}
        layers = {kind: self._layers(kind, base, ms) for kind, base in rest.items()}
        if "FE" in self.coverage.attentions:
            # One AI layer stands behind the FE layers.
            base = rest["AI"] + layers["AI"][self.coverage.reference]
            layers["FE"] = self._layers("FE", base, ms, count=self.depths.deep - 1)
        return rest, layers

    def _at(self, sizes: tuple[int, int]) -> list[VitStacks]:
        """Stacks of unreduced layers on a smaller search crop: of joint ones, and of others beside all templates."""
        others = tuple(kind for kind in self.coverage.attentions if kind != "joint")
        found = []
        if "joint" in self.coverage.attentions:
            found.append(self._joint_of(self.coverage.joint_teacher(self.teacher, sizes)))
        if others:
            whole = with_sizes(self.teacher, (sizes[0], self.teacher.template_size))
            found.append(replace(self, teacher=whole, coverage=self.coverage.unreduced_only(others)))
        return found

    def _joint_of(self, tracker: TrackerSpec) -> VitStacks:
        """Stacks of unreduced joint layers on a tracker's crops; itself on the teacher's with the whole template."""
        if tracker == replace(self.teacher, keep_template=None):
            return self
        coverage = self.coverage.unreduced_only(("joint",))
        return replace(self, teacher=tracker, coverage=coverage, template_kept=tracker.keep_template)

    @property
    def _detailed(self) -> Attention:
        return self.teacher.layers[-1].attention

    @property
    def _fewer(self) -> dict[int, TrackerSpec]:
        """Numbers of search tokens to measure, beside all of a crop, each with a tracker of such crops."""
        return self.coverage.eliminated_at(self.teacher) if "joint" in self.coverage.attentions else {}

    @property
    def _templates(self) -> list[tuple[int, Attention]]:
        """Numbers of template patches to measure, beside all of them, with each attention that sees the template."""
        kinds = [kind for kind in self.coverage.attentions if kind != "FE"]
        return [(patches, kind) for patches in self.coverage.template_patches[:-1] for kind in kinds]

    def _points(self, kind: Attention) -> tuple[Point, ...]:
        return self.coverage.unreduced if self.sparing and kind != self._detailed else self.coverage.points

    def _rest(self, kind: Attention, ms: Times) -> float:
        """A tracker's cost beside its layers."""
        found = []
        for point in self.coverage.unreduced:
            shallow, deep = (ms(self._stack(kind, point, n)) for n in (self.depths.shallow, self.depths.deep))
            found.append(self.depths.intercept(shallow, deep))
        return sum(found) / len(found)

    def _layers(self, kind: Attention, base: float, ms: Times, count: int | None = None) -> dict[Point, float]:
        """A layer's cost at each measured point, `count` of them being in a deep stack."""
        count = count or self.depths.deep
        return {p: (ms(self._stack(kind, p, self.depths.deep)) - base) / count for p in self._points(kind)}

    def _heads(self, kind: Attention) -> tuple[int, ...]:
        """Numbers of heads to measure, beside all of them."""
        return () if self.sparing and kind != self._detailed else self.coverage.heads[:-1]

    def _pruned(self, rest: _Rest, layers: Mapping[Attention, Costs], ms: Times) -> dict[Attention, dict[int, float]]:
        """By attention, the full layer's cost by the heads that it has left."""
        deep, reference, found = self.depths.deep, self.coverage.reference, {}
        for kind in self.coverage.attentions:
            base, count = rest.get(kind, 0.0), deep
            if kind == "FE":
                base, count = rest["AI"] + layers["AI"][reference], deep - 1
            found[kind] = {h: (ms(self._stack(kind, reference, deep, h)) - base) / count for h in self._heads(kind)}
        timed = found[self._detailed]
        return {kind: own or _as_pruned(layers[kind], layers[self._detailed], timed) for kind, own in found.items()}

    def _filled(self, costs: Costs, detailed: Costs) -> Costs:
        return costs if set(costs) >= set(self.coverage.points) else scaled(detailed, costs)

    def _elimination_ms(self, ms: Times) -> float:
        """What ranking costs a layer; lost in the noise it may come out below zero."""
        plain = self._stack("joint", self.coverage.reference, self.depths.deep)
        return max(0.0, (ms(self._ranking()) - ms(plain)) / self.depths.deep)

    def _with_fewer(self, tokens: int, elimination: float, ms: Times) -> dict[Point, float]:
        """A layer's cost over fewer search tokens, unreduced.

        The first layer's attention still sees all tokens, everything behind it sees `tokens`.
        """
        deep, rest = self.depths.deep, self._rest("joint", ms)
        thin, wide = self.coverage.unreduced[0], self.coverage.unreduced[-1]
        before = rest + elimination + without_mlp(_widths(self._layers("joint", rest, ms)))
        times = {point: ms(self._eliminating(point, tokens)) - before for point in (thin, wide)}
        unit = (times[wide] - times[thin]) / (wide[1] - thin[1]) / deep
        attention = (times[thin] - deep * thin[1] * unit) / (deep - 1)
        return {point: attention + unit * point[1] for point in (thin, wide)}

    def _stack(self, kind: Attention, point: Point, depth: int, heads: int | None = None) -> TrackerSpec:
        layers = [(kind, point)] * depth
        if kind == "FE":
            layers[-1] = ("AI", self.coverage.reference)
        spec = pruned(tracker_of_layers(self.teacher, layers), dict.fromkeys(range(depth - (kind == "FE")), heads))
        return replace(spec, keep_template=self.template_kept)

    def _small(self, kind: Attention, point: Point, patches: int) -> TrackerSpec:
        """A deep stack of whose templates so many patches go on."""
        return with_template(self._stack(kind, point, self.depths.deep), patches)

    def _eliminating(self, point: Point, tokens: int) -> TrackerSpec:
        """A deep stack whose first layer passes on `tokens`."""
        spec = self._stack("joint", point, self.depths.deep)
        # Half a token less: the share that is kept is rounded up.
        return eliminating(spec, {0: (tokens - 0.5) / spec.search_tokens})

    def _ranking(self) -> TrackerSpec:
        """A deep stack in which every layer ranks its search tokens and passes on all of them."""
        spec = self._stack("joint", self.coverage.reference, self.depths.deep)
        return eliminating(spec, dict.fromkeys(range(len(spec.layers)), _ALL))


def scaled(detailed: Costs, unreduced: Costs) -> dict[Point, float]:
    """Costs at all points of `detailed` for layers of which only the `unreduced` ones were timed.

    A layer is attention and MLP. What reducing does to either is taken to be in proportion to it.
    """
    attention = [without_mlp(_widths(costs)) for costs in (detailed, unreduced)]
    wide = max(_widths(unreduced))
    mlp = [costs[None, wide, None] - rest for costs, rest in zip((detailed, unreduced), attention, strict=True)]
    found = {}
    for (attn, hidden, dims), ms in detailed.items():
        whole = detailed[None, hidden, dims]
        found[attn, hidden, dims] = (
            attention[1] + _in_proportion(whole - attention[0], mlp) + _in_proportion(ms - whole, attention)
        )
    return found | dict(unreduced)


def _as_pruned(costs: Costs, detailed: Costs, pruned: Mapping[int, float]) -> dict[int, float]:
    """Cost by heads left of layers of `costs`: their attention changes as that of the `detailed` ones does."""
    attention = [without_mlp(_widths(each)) for each in (detailed, costs)]
    full = None, max(_widths(costs)), None
    return {heads: costs[full] + _in_proportion(ms - detailed[full], attention) for heads, ms in pruned.items()}


def _in_proportion(ms: float, costs: Sequence[float]) -> float:
    """`ms` of the first of two costs, as a share of the second; as it is where noise left nothing of the first."""
    return ms * costs[1] / costs[0] if costs[0] > 0 else ms


def _whole(kind: Attention) -> WholeAttention:
    return kind if kind in ("joint", "asymmetric") else "split"


def _widths(costs: Costs) -> dict[int, float]:
    """Cost by hidden units, of layers with nothing reduced."""
    return {hidden: ms for (attn, hidden, dims), ms in costs.items() if attn is None and dims is None}


def _blocks(kind: Attention, costs: Costs, tokens: int | None = None, template: int | None = None) -> list[BlockCost]:
    return [
        BlockCost(kind, hidden, ms, attn_dims=attn, mlp_dims=mlp, tokens=tokens, template=template)
        for (attn, hidden, mlp), ms in costs.items()
    ]


def _pruned_blocks(
    kind: Attention, costs: Costs, pruned: Mapping[int, float], tokens: int | None = None, template: int | None = None
) -> list[BlockCost]:
    hidden = max(_widths(costs))
    return [BlockCost(kind, hidden, ms, tokens=tokens, template=template, heads=h) for h, ms in pruned.items()]


STACKS.register("vit", BackboneStacks(shallow=4, stacks=VitStacks, validation_set=vit_validation_set))
