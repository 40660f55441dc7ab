"""`Coverage`: the range of layers that a profile is to predict within."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import get_args

from compress.core import ATTENTIONS, Attention, LayerSpec, Precision, TrackerSpec, kept_dims
from compress.latency import BlockCost, Point, Profile
from compress.measure.outermost_students import may_decide, outermost_students
from compress.spaces import FIXED_KNOBS, PRECISION, Space


@dataclass(frozen=True)
class Coverage:
    """Attentions, hidden units, dimensions kept where they are reduced, search tokens and template patches left.

    Attributes:
        mlp_hidden: Thinnest and widest, per stage; a plain ViT has one stage.
        attn_dims, mlp_dims: Fewest and most; none where nothing is reduced.
        search_tokens: Fewest, a middle, and all; none where none are eliminated.
        sizes: Search sizes in pixels below the teacher's, the least and perhaps a middle, each with the template size
            that joint layers are measured beside; of the first the fewest of its patches go on.
        template_patches: Of each template the fewest that go on, and all; none where all always do.
        decides: Whether trackers decide per frame what to compute (bypass, exits).
        precisions: What trackers ask for beside fp32. Of each a target has a profile of its own, so that this is no
            part of what one profile covers.
        heads: Fewest attention heads left, and all; none where all layers have all.
    """

    attentions: tuple[Attention, ...]
    mlp_hidden: tuple[tuple[int, ...], ...]
    attn_dims: tuple[int, ...] = ()
    mlp_dims: tuple[int, ...] = ()
    search_tokens: tuple[int, ...] = ()
    decides: bool = False
    sizes: tuple[tuple[int, int], ...] = ()
    template_patches: tuple[int, ...] = ()
    precisions: tuple[Precision, ...] = ()
    heads: tuple[int, ...] = ()

    @classmethod
    def of(cls, teacher: TrackerSpec, specs: Iterable[TrackerSpec] = ()) -> Coverage:
        """What is measured by default, and what `specs` hold beyond that.

        By default: the teacher's own layers, and MLPs as thin as half of the dimensions that enter them. Where the
        backbone's knobs can vary it (see `FIXED_KNOBS`) also the same as FE and AI, and dimension reduction from the
        first step (one dimension a head) to half.
        """
        all_specs, fixed = (teacher, *specs), FIXED_KNOBS[teacher.backbone]
        layers = [layer for spec in all_specs for layer in spec.layers]
        hidden = tuple(_hidden(dim, i, layers) for i, dim in enumerate(_widths(teacher)))
        split: set[Attention] = set() if "interaction" in fixed else {"FE", "AI"}
        reduced = {teacher.dim - teacher.heads, kept_dims(teacher.dim, teacher.heads, 0.5)} - {0}
        kept = set() if "dr_ratio" in fixed else reduced
        return cls(
            attentions=_ordered(split | {layer.attention for layer in layers}),
            mlp_hidden=hidden,
            attn_dims=_ends(kept | {layer.attn_dims for layer in layers if layer.attn_dims}),
            mlp_dims=_ends(kept | {layer.mlp_dims for layer in layers if layer.mlp_dims}),
            search_tokens=_thinned({count for spec in all_specs for count in _counts(spec)}),
            decides=any(spec.bypass or spec.exits for spec in all_specs),
            sizes=_sizes(teacher, all_specs),
            template_patches=_templates({len(spec.template_places) for spec in all_specs}, teacher.template_patches),
            precisions=_low(spec.precision for spec in all_specs),
            heads=_with_all({layer.heads for layer in layers if layer.heads}, teacher.heads),
        )

    @classmethod
    def of_space(cls, teacher: TrackerSpec, space: Space) -> Coverage:
        """What every student of a search space needs."""
        layers = cls.of(teacher, outermost_students(teacher, space))
        low = _low((*layers.precisions, *space.choices(teacher).get(PRECISION, ())))
        return replace(layers, decides=layers.decides or may_decide(teacher, space), precisions=low)

    @classmethod
    def covered(cls, profile: Profile) -> Coverage:
        """What a measured profile predicts within."""
        blocks = profile.blocks
        stages = range(max(1, len(profile.family.stages)))
        left = {block.tokens for block in blocks if block.tokens and not _of_whole_crop(block, profile)}
        return cls(
            attentions=_ordered({block.attention for block in blocks}),
            mlp_hidden=tuple(_ends({b.mlp_hidden for b in blocks if b.stage == stage}) for stage in stages),
            attn_dims=_ends({block.attn_dims for block in blocks if block.attn_dims}),
            mlp_dims=_ends({block.mlp_dims for block in blocks if block.mlp_dims}),
            search_tokens=_thinned(left | {profile.family.search_tokens}) if left else (),
            decides=profile.routing_overhead is not None,
            sizes=profile.sizes,
            template_patches=_templates({b.template for b in blocks if b.template}, profile.family.template_patches),
            heads=_with_all({block.heads for block in blocks if block.heads}, profile.family.heads),
        )

    def problems(self) -> Iterator[str]:
        """What no profile can cover."""
        if not self.attentions or len(set(self.attentions)) < len(self.attentions):
            yield "attentions must hold each attention once, and at least one"
        if "FE" in self.attentions and "AI" not in self.attentions:
            yield "attentions must hold AI where they hold FE"
        for name, ends in (
            *((f"mlp_hidden[{i}]", ends) for i, ends in enumerate(self.mlp_hidden)),
            ("attn_dims", self.attn_dims),
            ("mlp_dims", self.mlp_dims),
            ("search_tokens", self.search_tokens),
            ("template_patches", self.template_patches),
            ("heads", self.heads),
        ):
            most = 3 if name == "search_tokens" else 2
            if list(ends) != sorted(set(ends)) or len(ends) > most or (ends and ends[0] < 1):
                yield f"{name} must be at most {most} positive numbers that rise"
        if (
            len(self.sizes) > 2
            or list(self.sizes) != sorted(set(self.sizes))
            or min(map(min, self.sizes), default=1) < 1
        ):
            yield "sizes must be at most 2 pairs of positive numbers that rise"
        if not self.mlp_hidden or any(len(ends) != 2 for ends in self.mlp_hidden):
            yield "mlp_hidden must hold a thinnest and a widest MLP for each stage"

    def problems_for(self, teacher: TrackerSpec) -> Iterator[str]:
        """What no profile of the family of `teacher` can cover, `problems` left aside."""
        if len(self.mlp_hidden) != len(_widths(teacher)):
            yield f"mlp_hidden must hold {len(_widths(teacher))} stages but holds {len(self.mlp_hidden)}"
        for name, kept in (("attn_dims", self.attn_dims), ("mlp_dims", self.mlp_dims)):
            if kept and kept[-1] >= teacher.dim:
                yield f"{name} must be below {teacher.dim} but reach {kept[-1]}"
        if any(dims % teacher.heads for dims in self.attn_dims):
            yield f"attn_dims must be multiples of {teacher.heads}"
        if self.template_patches and self.template_patches[-1] != teacher.template_patches:
            yield f"template_patches must reach {teacher.template_patches} but reach {self.template_patches[-1]}"
        own = (teacher.search_size, teacher.template_size)
        for sizes in self.sizes:
            if sizes[0] == own[0] or any(a > b or a % teacher.patch for a, b in zip(sizes, own, strict=True)):
                yield f"sizes must be smaller than {own} and multiples of {teacher.patch} but hold {sizes}"
        if self.heads and (len(self.heads) < 2 or self.heads[-1] != teacher.heads):
            yield f"heads must be the fewest and all {teacher.heads} but are {', '.join(map(str, self.heads))}"
        if self.search_tokens and self.search_tokens[-1] > teacher.search_tokens:
            yield f"search_tokens must be at most {teacher.search_tokens} but reach {self.search_tokens[-1]}"

    def eliminated_at(self, teacher: TrackerSpec) -> dict[int, TrackerSpec]:
        """Numbers of search tokens that elimination leaves, each with a tracker of whose crops it is measured.

        The fewest are left of the least crops: joint layers see so few tokens in all nowhere else.
        """
        found = dict.fromkeys(self.search_tokens[:-1], replace(teacher, keep_template=None))
        least = self.joint_teacher(
            teacher, self.sizes[0] if self.sizes else (teacher.search_size, teacher.template_size)
        )
        if found and self.search_tokens[0] < least.search_tokens:
            found[self.search_tokens[0]] = least
        return found

    def joint_teacher(self, teacher: TrackerSpec, sizes: tuple[int, int]) -> TrackerSpec:
        """A tracker on the crops of `sizes`, whose joint layers are measured: of the least the fewest patches go on."""
        search, template = sizes
        found = replace(teacher, search_size=search, template_size=template, keep_template=None)
        fewest = self.template_patches[0] if self.template_patches else found.template_patches
        if sizes in self.sizes[1:] or fewest >= found.template_patches:
            return found
        # Half a patch less: the share that is kept is rounded up.
        return replace(found, keep_template=(fewest - 0.5) / found.template_patches)

    def unreduced_only(self, attentions: tuple[Attention, ...]) -> Coverage:
        """Layers of these attentions with nothing reduced, on the teacher's crops, whose tokens all stay."""
        return Coverage(attentions, self.mlp_hidden)

    @property
    def reference(self) -> Point:
        """The full layer of a plain ViT: widest MLP, nothing reduced."""
        return None, self.mlp_hidden[0][-1], None

    @property
    def unreduced(self) -> tuple[Point, ...]:
        """Layers of a plain ViT with nothing reduced."""
        return tuple((None, hidden, None) for hidden in self.mlp_hidden[0])

    @property
    def points(self) -> tuple[Point, ...]:
        """Every layer of a plain ViT to measure: the MLP's grid, and reduced attention at the full MLP."""
        mlp = [(None, hidden, dims) for dims in (None, *self.mlp_dims) for hidden in self.mlp_hidden[0]]
        return (*mlp, *((dims, self.mlp_hidden[0][-1], None) for dims in self.attn_dims))

    def within(self, other: Coverage) -> bool:
        """Whether `other` covers everything this does."""
        return self.layers_within(other) and (other.decides or not self.decides)

    def layers_within(self, other: Coverage) -> bool:
        """Whether `other` covers the layers, leaving decisions aside."""
        return (
            set(self.attentions) <= set(other.attentions)
            and all(
                not mine or (theirs and theirs[0] <= mine[0] and mine[-1] <= theirs[-1])
                for mine, theirs in (
                    *zip(self.mlp_hidden, other.mlp_hidden, strict=True),
                    (self.attn_dims, other.attn_dims),
                    (self.mlp_dims, other.mlp_dims),
                    (self.search_tokens, other.search_tokens),
                    (self.template_patches, other.template_patches),
                    (self.heads, other.heads),
                )
            )
            and self._sizes_within(other)
        )

    def _sizes_within(self, other: Coverage) -> bool:
        """The least come first, and the teacher's is the largest."""
        return not self.sizes or (bool(other.sizes) and other.sizes[0][0] <= self.sizes[0][0])

    def union(self, other: Coverage) -> Coverage:
        pairs = zip(self.mlp_hidden, other.mlp_hidden, strict=True)
        return Coverage(
            attentions=_ordered({*self.attentions, *other.attentions}),
            mlp_hidden=tuple(_ends({*mine, *theirs}) for mine, theirs in pairs),
            attn_dims=_ends({*self.attn_dims, *other.attn_dims}),
            mlp_dims=_ends({*self.mlp_dims, *other.mlp_dims}),
            search_tokens=_thinned({*self.search_tokens, *other.search_tokens}),
            decides=self.decides or other.decides,
            sizes=_few_sizes(self, other),
            template_patches=_ends({*self.template_patches, *other.template_patches}),
            precisions=_low((*self.precisions, *other.precisions)),
            heads=_ends({*self.heads, *other.heads}),
        )


def _widths(teacher: TrackerSpec) -> list[int]:
    return [stage.dim for stage in teacher.stages] or [teacher.dim]


def _hidden(dim: int, stage: int, layers: list[LayerSpec]) -> tuple[int, ...]:
    """Always two: what an MLP costs apart from the rest shows at two widths only."""
    found = {max(1, dim // 2), *(layer.mlp_hidden for layer in layers if layer.stage == stage)}
    return _ends(found if len(found) > 1 else found | {2 * max(found)})


def _counts(spec: TrackerSpec) -> Iterator[int]:
    """Search tokens that its layers see, where some are eliminated."""
    if spec.eliminating:
        yield from (spec.search_tokens, *spec.search_tokens_after)


def _of_whole_crop(block: BlockCost, profile: Profile) -> bool:
    """Whether a block's search tokens are all of a smaller crop, none eliminated."""
    patch = profile.family.patch
    whole = {(search // patch) ** 2 for search, _ in profile.sizes}
    return block.tokens in whole and (block.template is not None or block.attention != "joint")


def _sizes(teacher: TrackerSpec, specs: Sequence[TrackerSpec]) -> tuple[tuple[int, int], ...]:
    """Of search crops the least and, of three or more, a middle; beside the least the template of fewest patches."""
    searches = _thinned({spec.search_size for spec in specs if spec.search_size <= teacher.search_size})
    templates = sorted({spec.template_size for spec in specs if spec.template_size <= teacher.template_size})
    fewest = min(specs, key=lambda spec: (len(spec.template_places), spec.template_size)).template_size
    beside = (min(fewest, teacher.template_size), templates[len(templates) // 2])
    return tuple(pair for pair in zip(searches, beside, strict=False) if pair[0] < teacher.search_size)


def _few_sizes(one: Coverage, other: Coverage) -> tuple[tuple[int, int], ...]:
    """The least of both, and one more; beside the least the template of the coverage with fewer patches."""
    found = sorted({*one.sizes, *other.sizes})
    if not found:
        return ()
    fewer = min((each for each in (one, other) if each.sizes), key=lambda each: each.template_patches or (math.inf,))
    least = (found[0][0], fewer.sizes[0][1])
    others = [pair for pair in found if pair[0] > least[0]]
    return (least, *others[len(others) // 2 :][:1])


def _templates(left: set[int], every: int) -> tuple[int, ...]:
    """The fewest and all, where fewer than all go on."""
    fewest = min(left, default=every)
    return (fewest, every) if fewest < every else ()


def _low(precisions: Iterable[object]) -> tuple[Precision, ...]:
    """Each below fp32 once."""
    found = set(precisions)
    return tuple(each for each in get_args(Precision) if each in found and each != "fp32")


def _ordered(kinds: Iterable[Attention]) -> tuple[Attention, ...]:
    return tuple(sorted(set(kinds), key=ATTENTIONS.index))


def _ends(values: set[int]) -> tuple[int, ...]:
    return tuple(sorted({min(values), max(values)})) if values else ()


def _with_all(fewer: set[int], all_heads: int) -> tuple[int, ...]:
    """The fewest heads and all of them; nothing where there are not fewer."""
    return _ends({*fewer, all_heads}) if fewer else ()


def _thinned(values: set[int]) -> tuple[int, ...]:
    """The ends and the value nearest the middle: between them a layer's cost is all but straight."""
    if len(values) < 3:
        return tuple(sorted(values))
    middle = (min(values) + max(values)) / 2
    inner = min(sorted(values - {min(values), max(values)}), key=lambda value: abs(value - middle))
    return min(values), inner, max(values)
