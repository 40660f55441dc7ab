"""Published recipes transplanted to a plain one-stream teacher: what each makes of it, as fast as a bound asks.

What a paper fixes (ratios, places, μ, τ0) stays; the depth is what is left to reach a bound, and is the largest that
does. Heads, embeddings and resolution stay the teacher's, but for the HiT-like student: its backbone has a head of its
own.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Literal

from compress.core import BypassSpec, ExitSpec, HeadSpec, LayerSpec, StageSpec, TrackerSpec, kept_dims

Training = Literal["distil", "fade", "replace", "scratch"]
"""How a recipe trains: distillation; with layers fading out first (MixFormerV2); with stages of the teacher standing in
(CompressTracker); on the ground truth alone (HiT, which has no teacher)."""


@dataclass(frozen=True)
class Recipe:
    """A published recipe.

    Attributes:
        source: Where its figures are.
        make: A student of so many layers; of the HiT-like one the width of the first stage, in eights.
        sizes: What `make` takes, the largest student first.
    """

    name: str
    source: str
    make: Callable[[TrackerSpec, int], TrackerSpec]
    training: Training
    sizes: tuple[int, ...] = tuple(range(12, 0, -1))


def litetrack(teacher: TrackerSpec, depth: int) -> TrackerSpec:
    """The first layers; 3 of 9, 8 and 6 are AI layers, and half of fewer (6 + 3, 5 + 3, 3 + 3, 2 + 2)."""
    interacting = 3 if depth >= 6 else max(1, depth // 2)
    layers = (
        replace(layer, source=i, attention="FE" if i < depth - interacting else "AI", keep=None)
        for i, layer in enumerate(teacher.layers[:depth])
    )
    return replace(teacher, layers=tuple(layers))


def mixformerv2(teacher: TrackerSpec, depth: int) -> TrackerSpec:
    """The last layer of every so many (2, 3, 5, 6, … of 12 for 8, and 3, 6, 9, 12 for 4); below 8 with MLP ratio 1."""
    of = len(teacher.layers)
    sources = [-(-(i + 1) * of // depth) - 1 for i in range(depth)]
    ratio = min(teacher.dim, teacher.layers[0].mlp_hidden) if depth < 8 * of / 12 else teacher.layers[0].mlp_hidden
    layers = (replace(teacher.layers[source], source=source, mlp_hidden=ratio) for source in sources)
    return replace(teacher, layers=tuple(layers))


def abtrack(teacher: TrackerSpec, depth: int) -> TrackerSpec:
    """μ = 0.3 and MLPs four times as wide as what is left; bypass behind n_enf = 2 layers with τ0 = 0.4."""
    kept = kept_dims(teacher.dim, teacher.heads, 0.3)
    layers = (
        replace(teacher.layers[source], source=source, mlp_hidden=4 * kept, attn_dims=kept, mlp_dims=kept, keep=None)
        for source in _even(depth, len(teacher.layers))
    )
    return replace(teacher, layers=tuple(layers), bypass=BypassSpec(n_enf=min(2, depth - 1)))


def dytrack(teacher: TrackerSpec, depth: int) -> TrackerSpec:
    """Exits behind a sixth, a half and all of the layers, with adapters of 2, 1 and 0 layers."""
    layers = (replace(teacher.layers[i], source=i, keep=None) for i in _even(depth, len(teacher.layers)))
    places = sorted({max(1, round(depth / 6)), max(1, round(depth / 2))} - {depth})
    exits = (*(ExitSpec(place, adapter=2 - i) for i, place in enumerate(places)), ExitSpec(depth))
    return replace(teacher, layers=tuple(layers), exits=exits if places else ())


def compresstracker(teacher: TrackerSpec, depth: int) -> TrackerSpec:
    """One layer for each of so many equal stages, from the first layer of each."""
    of = len(teacher.layers)
    layers = (replace(teacher.layers[i * of // depth], source=i * of // depth, keep=None) for i in range(depth))
    return replace(teacher, layers=tuple(layers))


def hit(teacher: TrackerSpec, eighths: int) -> TrackerSpec:
    """HiT-Tiny's proportions: 2, 3 and 4 layers of widths 1 : 2 : 3, keys of 16, a bridge and a corner head."""
    dims = [8 * eighths * (i + 1) for i in range(3)]
    heads, shrinks = (4, 6, 8), (8, 16)
    stages = tuple(
        StageSpec(dim, heads[i], 16, shrinks[i - 1] if i else 0, 2 * dim if i else 0) for i, dim in enumerate(dims)
    )
    stage_of = [stage for stage, count in enumerate((2, 3, 4)) for _ in range(count)]
    return TrackerSpec(
        dim=dims[0],
        heads=heads[0],
        layers=tuple(LayerSpec(source=i, mlp_hidden=2 * dims[s], stage=s) for i, s in enumerate(stage_of)),
        backbone="levit",
        stages=stages,
        template_size=teacher.template_size,
        search_size=teacher.search_size,
        search_factor=teacher.search_factor,
        head=HeadSpec(kind="corner", channels=teacher.head.channels),
        final_norm=False,
    )


RECIPES = (
    Recipe("LiteTrack", "Table I and the published code", litetrack, "distil"),
    Recipe("MixFormerV2", "section 3.2.2, Table 3 (e)", mixformerv2, "fade"),
    Recipe("ABTrack", "sections 3 and 4, Tables 3 and 7", abtrack, "distil"),
    Recipe("DyTrack", "sections III and IV", dytrack, "distil"),
    Recipe("CompressTracker", "section 3", compresstracker, "replace", (6, 4, 3, 2, 1)),
    Recipe("HiT-like", "section 3, Table 1", hit, "scratch", (16, 12, 8, 6, 4, 3, 2)),
)


def largest_within(recipe: Recipe, teacher: TrackerSpec, passes: Callable[[TrackerSpec], bool]) -> TrackerSpec | None:
    """The largest student of a recipe that is fast enough; None where none is."""
    sizes = [size for size in recipe.sizes if recipe.training == "scratch" or size <= len(teacher.layers)]
    return next((spec for spec in (recipe.make(teacher, size) for size in sizes) if passes(spec)), None)


def _even(depth: int, of: int) -> list[int]:
    """Evenly spread, the first and the last among them; all of them where nothing is left out."""
    return [round(i * (of - 1) / max(1, depth - 1)) for i in range(depth)]
