"""The knobs of every tracker: layers, how they attend, how wide they are."""

from __future__ import annotations

from dataclasses import replace

from compress.core import Attention, LayerSpec, TrackerSpec, kept_dims
from compress.spaces.draft import Draft, Scalar
from compress.spaces.knob import unique
from compress.spaces.patterns import PATTERNS, exact_number, nearest


class DepthKnob:
    """How many layers are kept; more than the teacher has means all of them."""

    wanted = "a whole number from 1 to 1000"
    needs: str | None = None

    def accepts(self, value: object) -> bool:
        return type(value) is int and 1 <= value <= 1000

    def default(self, teacher: TrackerSpec) -> Scalar:
        return len(teacher.layers)

    def fit(self, values: tuple[Scalar, ...], teacher: TrackerSpec) -> tuple[Scalar, ...]:
        return unique(min(int(value), len(teacher.layers)) for value in values)

    def apply(self, draft: Draft, value: Scalar) -> None:
        draft.depth = int(value)


class LayersKnob:
    """Which layers are kept, by a pattern that holds at every depth; see `PATTERNS`."""

    wanted = "even, front or ends"
    needs: str | None = None

    def accepts(self, value: object) -> bool:
        return isinstance(value, str) and value in PATTERNS

    def default(self, teacher: TrackerSpec) -> Scalar:
        return "even"

    def fit(self, values: tuple[Scalar, ...], teacher: TrackerSpec) -> tuple[Scalar, ...]:
        return values

    def apply(self, draft: Draft, value: Scalar) -> None:
        kept = PATTERNS[str(value)](draft.depth, len(draft.teacher.layers))
        draft.layers = [replace(draft.teacher.layers[i], source=i) for i in kept]


class InteractionKnob:
    """`joint` attention in every layer, or FE layers followed by this share of AI layers (LiteTrack).

    A share is rounded to whole layers: at least one AI, and at least one FE where there are two layers. For a teacher
    with asymmetric attention (MixFormerV2) `joint` means its own.
    """

    wanted = "joint, or a share of AI layers between 0 and 1 such as 1/3"
    needs: str | None = None

    def accepts(self, value: object) -> bool:
        share = exact_number(value)
        return value == "joint" or (share is not None and 0 < share < 1)

    def default(self, teacher: TrackerSpec) -> Scalar:
        if teacher.attention != "split":
            return teacher.attention
        return f"{teacher.count('AI')}/{len(teacher.layers)}"

    def fit(self, values: tuple[Scalar, ...], teacher: TrackerSpec) -> tuple[Scalar, ...]:
        whole = "joint" if teacher.attention == "split" else teacher.attention
        return unique(whole if value == "joint" else value for value in values)

    def apply(self, draft: Draft, value: Scalar) -> None:
        depth, share = len(draft.layers), exact_number(value)
        if share is None:
            kinds: list[Attention] = [value] * depth  # type: ignore[list-item]
        else:
            interacting = depth if share == 1 else max(1, min(depth - 1, nearest(share * depth)))
            kinds = [*["FE"] * (depth - interacting), *["AI"] * interacting]  # type: ignore[list-item]
        draft.layers = [_attending(layer, kind) for layer, kind in zip(draft.layers, kinds, strict=True)]


class DrRatioKnob:
    """μ, the share of input dimensions that dimension reduction removes on both sides (ABTrack); 0 leaves it out."""

    wanted = "a number from 0 up to, not including, 1"
    needs: str | None = None

    def accepts(self, value: object) -> bool:
        return type(value) in (int, float) and 0 <= value < 1  # type: ignore[operator]

    def default(self, teacher: TrackerSpec) -> Scalar:
        return 0

    def fit(self, values: tuple[Scalar, ...], teacher: TrackerSpec) -> tuple[Scalar, ...]:
        return values

    def apply(self, draft: Draft, value: Scalar) -> None:
        draft.each(lambda layer: self.change(layer, draft.teacher, value))

    def change(self, layer: LayerSpec, teacher: TrackerSpec, value: Scalar) -> LayerSpec:
        def kept(dims: int | None) -> int | None:
            left = kept_dims(dims or teacher.dim, teacher.heads, float(value))
            return left if left < teacher.dim else None

        return replace(layer, attn_dims=kept(layer.attn_dims), mlp_dims=kept(layer.mlp_dims))


class HeadsKnob:
    """The share of its attention heads that a layer keeps, rounded to whole heads, at least one; 1 keeps all.

    The heads that are left keep their width, unlike with dimension reduction, which takes the same from each; both go
    together.
    """

    wanted = "a share of the heads above 0, at most 1, such as 1 or 3/4"
    needs: str | None = None

    def accepts(self, value: object) -> bool:
        share = exact_number(value)
        return share is not None and 0 < share <= 1

    def default(self, teacher: TrackerSpec) -> Scalar:
        return 1

    def fit(self, values: tuple[Scalar, ...], teacher: TrackerSpec) -> tuple[Scalar, ...]:
        own = {layer.heads or teacher.heads for layer in teacher.layers}
        first: dict[tuple[int, ...], Scalar] = {}
        for value in values:
            first.setdefault(tuple(_heads_left(heads, value) for heads in own), value)
        return tuple(first.values())

    def apply(self, draft: Draft, value: Scalar) -> None:
        draft.each(lambda layer: self.change(layer, draft.teacher, value))

    def change(self, layer: LayerSpec, teacher: TrackerSpec, value: Scalar) -> LayerSpec:
        own = teacher.layers[layer.source].heads or teacher.heads
        left = _heads_left(own, value)
        return replace(layer, heads=left if left < teacher.heads else None)


class MlpRatioKnob:
    """Hidden units of the MLP over the dimensions that enter it; more than the teacher's means the teacher's."""

    wanted = "a number above 0, at most 16"
    needs: str | None = None

    def accepts(self, value: object) -> bool:
        return type(value) in (int, float) and 0 < value <= 16  # type: ignore[operator]

    def default(self, teacher: TrackerSpec) -> Scalar:
        return max(layer.mlp_hidden / _entering(layer, teacher, i) for i, layer in enumerate(teacher.layers))

    def fit(self, values: tuple[Scalar, ...], teacher: TrackerSpec) -> tuple[Scalar, ...]:
        most = float(self.default(teacher))
        return unique(value if float(value) <= most else most for value in values)

    def apply(self, draft: Draft, value: Scalar) -> None:
        draft.each(lambda layer: self.change(layer, draft.teacher, value))

    def change(self, layer: LayerSpec, teacher: TrackerSpec, value: Scalar) -> LayerSpec:
        wanted = nearest(float(value) * _entering(layer, teacher, layer.source))
        return replace(layer, mlp_hidden=max(1, min(wanted, teacher.layers[layer.source].mlp_hidden)))


def _attending(layer: LayerSpec, kind: Attention) -> LayerSpec:
    """The layer with another attention; only joint attention ranks candidates, so others pass all of them on."""
    return replace(layer, attention=kind, keep=layer.keep if kind == "joint" else None)


def _heads_left(heads: int, value: Scalar) -> int:
    """Of `heads` heads, at a share of them."""
    share = exact_number(value)
    assert share is not None
    return max(1, nearest(share * heads))


def _entering(layer: LayerSpec, teacher: TrackerSpec, i: int) -> int:
    """Dimensions that enter the MLP of a layer that is the teacher's layer i, or made from it."""
    return layer.mlp_dims or teacher.layer_shape(i)[1]
