"""The cost of one layer, interpolated between the layers that were measured."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace

from compress.core import LayerSpec
from compress.latency.measured.profile import Profile
from compress.latency.measured.profile_fields import Point
from compress.latency.model import UncoveredError


def layer_ms(profile: Profile, layer: LayerSpec, enter: int, leave: int, template: int | None = None) -> float:
    """Cost of a layer that `enter` search tokens go into and `leave` go out of.

    Which teacher layer its weights come from makes no difference. To a joint layer tokens are tokens, of either crop.
    What fewer template patches save another is taken to be in proportion to the search tokens, which attend to them.

    Args:
        template: Patches of each template that go on; None is all of the family's.

    Raises:
        UncoveredError: naming the first thing that was not measured.
    """
    widths = (layer.mlp_hidden, layer.attn_dims, layer.mlp_dims, layer.heads)
    key = (layer.attention, layer.stage, *widths, layer.keep is not None, enter, leave, template)
    if key not in profile.memo:
        counts = (profile.tokens_beside_all(layer.attention, count, template) for count in (enter, leave))
        whole = _layer_ms(profile, layer, *counts)
        change = 0.0 if template is None else _template_change(profile, layer, template)
        profile.memo[key] = whole + change * enter / profile.family.search_tokens
    return profile.memo[key]


def _layer_ms(profile: Profile, layer: LayerSpec, enter: int, leave: int) -> float:
    at = _over_tokens(profile, layer)
    if layer.keep is None:
        return at(enter, lambda table: table.layer_ms(layer))
    if profile.elimination_ms is None:
        raise UncoveredError("candidate elimination")
    # Tokens leave between attention and MLP.
    attention = at(enter, lambda table: table.layer_ms(layer) - table.mlp_ms(layer))
    return attention + at(leave, lambda table: table.mlp_ms(layer)) + profile.elimination_ms


def _template_change(profile: Profile, layer: LayerSpec, patches: int) -> float:
    """What fewer template patches change in the cost of a layer over all search tokens; below 0.

    FE layers see no template, and to joint ones it is tokens like others.
    """
    if layer.attention in ("FE", "joint"):
        return 0.0
    what = f"{layer.attention} layers"
    found = profile.template_tables.get(layer.attention, {})
    tables = {n: _LayerCosts(points, {}, profile.family.dim, what) for n, points in found.items()}
    whole, unpruned = profile.family.template_patches, replace(layer, heads=None)
    if whole not in tables:
        raise UncoveredError(f"{what} over all template patches")

    def change(n: int) -> float:
        return tables[n].layer_ms(unpruned) - tables[whole].layer_ms(unpruned)

    # Each head attends to them by itself.
    heads = (layer.heads or profile.family.heads) / profile.family.heads
    return heads * interpolate(tables, patches, change, f"{what} over template patches")


def mlp_ms(profile: Profile, layer: LayerSpec, hidden: int, tokens: int, template: int | None) -> float:
    """Cost of an MLP of `hidden` units where such a layer stands, in proportion to the widest that was measured."""
    count = profile.tokens_beside_all(layer.attention, tokens, template)
    return hidden * _over_tokens(profile, layer)(count, lambda table: table.unit_ms)


def _over_tokens(profile: Profile, layer: LayerSpec) -> Callable[[int, Callable[[_LayerCosts], float]], float]:
    """Any cost of layers of one kind, by search tokens."""
    what = f"{layer.attention} layers" + (f" in stage {layer.stage}" if profile.family.stages else "")
    measured = profile.tables.get((layer.attention, layer.stage), {})
    changes = profile.head_changes.get((layer.attention, layer.stage), {})
    tables = {n: _LayerCosts(points, changes.get(n, {}), profile.family.dim, what) for n, points in measured.items()}
    if not tables:
        raise UncoveredError(what)
    return lambda tokens, cost: interpolate(tables, tokens, lambda n: cost(tables[n]), f"{what} over search tokens")


class _LayerCosts:
    """Measured layers of one kind over one number of search tokens.

    Attention and MLP cost apart: the MLP's grid at full attention, plus what reduced attention changes.

    Args:
        head_changes: What fewer heads change, as of `Profile.head_changes`.
        dim: Of the tokens.
    """

    def __init__(self, points: Mapping[Point, float], head_changes: Mapping[int, float], dim: int, what: str) -> None:
        self._what, self._head_changes, self._dim = what, head_changes, dim
        self._changes = {
            attn: ms - points[None, hidden, dims]
            for (attn, hidden, dims), ms in points.items()
            if attn is not None and (None, hidden, dims) in points
        }
        self._grid: dict[int | None, dict[int, float]] = {}
        for (attn, hidden, dims), ms in points.items():
            if attn is None:
                self._grid.setdefault(dims, {})[hidden] = ms

    def layer_ms(self, layer: LayerSpec) -> float:
        """Bilinear in hidden units and kept dimensions, plus attention's change."""
        return self._at_full_attention(layer) + self._attention_change(layer)

    def mlp_ms(self, layer: LayerSpec) -> float:
        """The MLP's share, its cost without hidden units being that of the rest."""
        return self._at_full_attention(layer) - without_mlp(self._grid.get(None, {}))

    @property
    def unit_ms(self) -> float:
        """Of one hidden unit of the widest MLP."""
        widths = self._grid.get(None, {})
        return (widths[max(widths)] - without_mlp(widths)) / max(widths)

    def _at_full_attention(self, layer: LayerSpec) -> float:
        """Reduced dimensions are interpolated among reduced ones only: reading some of them costs a gather
        that reading all does not, so the cost jumps at the first dimension removed.
        """

        def at(dims: int | None) -> float:
            points = self._grid.get(dims, {})
            return interpolate(points, layer.mlp_hidden, points.__getitem__, f"{self._what} with mlp_hidden")

        if layer.mlp_dims is None:
            return at(None)
        reduced = [dims for dims in self._grid if dims is not None]
        return interpolate(reduced, layer.mlp_dims, at, f"{self._what} with mlp_dims")

    def _attention_change(self, layer: LayerSpec) -> float:
        """Of fewer dimensions, and of fewer heads: over half of the dimensions these save half as much.

        Attention's work is in proportion to its heads, and nearly so to its dimensions. The share does not come of what
        dimensions were measured to save: a tracker's cost has to be a sum of what was measured, to be calibrated.
        """
        reduced = 0.0
        if layer.attn_dims is not None:
            what = f"{self._what} with attn_dims"
            reduced = interpolate(self._changes, layer.attn_dims, self._changes.__getitem__, what)
        if layer.heads is None:
            return reduced
        fewer = interpolate(self._head_changes, layer.heads, self._head_changes.__getitem__, f"{self._what} with heads")
        return reduced + fewer * (layer.attn_dims or self._dim) / self._dim


def without_mlp(points: Mapping[int, float]) -> float:
    """Cost of a layer without hidden units, continued from the thinnest and the widest MLP of `points`."""
    thin, wide = min(points), max(points)
    if thin == wide:
        raise UncoveredError("attention apart from MLP (one width was measured)")
    return points[thin] - thin * (points[wide] - points[thin]) / (wide - thin)


def interpolate(measured: Iterable[int], x: int, value: Callable[[int], float], what: str) -> float:
    """Linear between the neighbours of `x` among `measured`; never beyond the outermost.

    Raises:
        UncoveredError: beyond them.
    """
    xs = sorted(measured)
    if not xs or not xs[0] <= x <= xs[-1]:
        raise UncoveredError(f"{what} {x} ({_span(xs)})")
    i = bisect_left(xs, x)
    if xs[i] == x:
        return value(x)
    left, right = xs[i - 1], xs[i]
    return value(left) + (value(right) - value(left)) * (x - left) / (right - left)


def _span(xs: list[int]) -> str:
    if not xs:
        return "never measured"
    return f"measured from {xs[0]} to {xs[-1]}" if len(xs) > 1 else f"measured at {xs[0]} only"
