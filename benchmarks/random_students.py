"""Random students of a teacher, on no grid, and the execution path that all frames of each take."""

from __future__ import annotations

import itertools
import random
from dataclasses import dataclass, replace

from compress.core import Attention, BypassSpec, ExecutionPath, ExitSpec, LayerSpec, TrackerSpec, worst_path
from compress.core.cost import macs
from compress.measure.timed_trackers import Call
from compress.spaces import Space


@dataclass(frozen=True)
class Case:
    """A student, and the execution path that all its frames take."""

    spec: TrackerSpec
    path: ExecutionPath

    @property
    def kind(self) -> str:
        """`static` or `adaptive`."""
        return "adaptive" if self.spec.adaptive else "static"

    @property
    def call(self) -> Call:
        """What is timed."""
        return self.spec, self.path if self.spec.adaptive else None

    @property
    def macs(self) -> float:
        return macs(self.spec, skipped=self.path.skipped or (), exit=self.path.exit).per_frame


def random_cases(teacher: TrackerSpec, space: Space, count: int, seed: int) -> dict[str, Case]:
    """Distinct students by id: the space's, arbitrary ones, and adaptive ones in turn."""
    rng = random.Random(seed)
    makers = [lambda: space.sample(teacher, rng), lambda: _arbitrary(teacher, rng)]
    if teacher.backbone == "vit" and not any(layer.keep for layer in teacher.layers):
        makers.append(lambda: _adaptive(_arbitrary(teacher, rng), rng))
    cases: dict[str, Case] = {}
    for turn in itertools.count():
        spec = makers[turn % len(makers)]()
        cases.setdefault(spec.id, Case(spec, _path(spec, rng)))
        if len(cases) == count:
            break
    return cases


def _adaptive(spec: TrackerSpec, rng: random.Random) -> TrackerSpec:
    """With bypass, exits, or both."""
    depth, kinds = len(spec.layers), rng.choice(["bypass", "exits", "both"])
    first = sum(layer.attention == "FE" for layer in spec.layers) + 1
    places = sorted(rng.sample(range(first, depth), min(rng.randint(1, 2), depth - first))) if first < depth else []
    if kinds != "bypass" and places:
        exits = tuple(ExitSpec(after, adapter=rng.randint(0, 2)) for after in places)
        spec = replace(spec, exits=(*exits, ExitSpec(depth)), recycling=rng.choice(["none", "a", "b", "c", "d"]))
    if kinds != "exits" or not places:
        spec = replace(spec, bypass=BypassSpec(n_enf=rng.randint(0, depth - 1)))
    return spec


def _path(spec: TrackerSpec, rng: random.Random) -> ExecutionPath:
    if not spec.adaptive:
        return worst_path(spec)
    path = ExecutionPath(frozenset(), rng.randrange(len(spec.exits)) if spec.exits else None)
    share = rng.random()
    return replace(path, skipped=frozenset(i for i in spec.skippable if i < path.end(spec) and rng.random() < share))


def _arbitrary(teacher: TrackerSpec, rng: random.Random) -> TrackerSpec:
    """Every layer its own widths; none of them on a grid, beyond what heads demand."""
    if teacher.backbone == "levit":
        return replace(teacher, layers=tuple(_thinner(teacher, layer, rng) for layer in _some(teacher, rng)))
    depth = rng.randint(2, len(teacher.layers))
    interacting = rng.choice([0, rng.randint(1, depth)])
    own: Attention = "AI" if teacher.attention == "split" else teacher.attention
    kinds: list[Attention] = [own] * depth if not interacting else ["FE"] * (depth - interacting)
    kinds += ["AI"] * interacting
    return replace(teacher, layers=tuple(_layer(teacher, i, kind, rng) for i, kind in enumerate(kinds)))


def _some(teacher: TrackerSpec, rng: random.Random) -> list[LayerSpec]:
    """Layers of the teacher, at least one."""
    kept = [layer for layer in teacher.layers if rng.random() < 0.6]
    return kept or [rng.choice(teacher.layers)]


def _thinner(teacher: TrackerSpec, layer: LayerSpec, rng: random.Random) -> LayerSpec:
    return replace(layer, mlp_hidden=rng.randint(teacher.stages[layer.stage].dim // 2, layer.mlp_hidden))


def _layer(teacher: TrackerSpec, source: int, kind: Attention, rng: random.Random) -> LayerSpec:
    dim, heads = teacher.dim, teacher.heads
    reduced = rng.random() < 0.5
    return LayerSpec(
        source=source,
        attention=kind,
        mlp_hidden=rng.randint(dim // 2, teacher.layers[0].mlp_hidden),
        attn_dims=rng.randrange(dim // 2, dim, heads) if reduced else None,
        mlp_dims=rng.randrange(dim // 2, dim, heads) if reduced else None,
        keep=teacher.layers[source].keep if kind == "joint" else None,
    )
