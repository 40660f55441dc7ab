"""Parameters and multiply-accumulates of a tracker, from its spec alone.

Convention: one multiply-add counts one. Linear layers, convolutions and both attention products count; norms,
activations, softmax and additions do not. Papers often leave the attention products out as well.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from compress.core.parts import LayerSpec
from compress.core.spec import TrackerSpec

_OUTPUTS = (1, 2, 2)  # score, offset, size


@dataclass(frozen=True)
class Macs:
    """Multiply-accumulates at batch 1.

    Attributes:
        full: One forward of template and search; `template` + `per_frame`.
        per_frame: One frame, with what a tracker keeps of the template at hand.
        template: Once per sequence.
    """

    full: int
    per_frame: int
    template: int


def parameters(spec: TrackerSpec) -> int:
    """Learned values the network holds (batch-norm statistics and index tables are not learned)."""
    dim = spec.dim
    patch = 3 * spec.patch**2 * dim + dim
    positions = (_template_patches(spec) + spec.search_tokens) * dim
    layers = sum(_layer_parameters(dim, layer) for layer in spec.layers)
    norm = 2 * dim if spec.final_norm else 0
    token = 4 * 5 + dim * 5 if spec.target_token else 0
    # A 3×3 convolution brings a bias and its batch norm's gain and shift.
    head = sum(9 * i * o + 3 * o for i, o in _head_convs(spec)) + sum(
        o * (spec.head.channels // 8 + 1) for o in _OUTPUTS
    )
    return patch + positions + layers + norm + token + head


def macs(spec: TrackerSpec) -> Macs:
    """Multiply-accumulates of the network that `compress.models` builds from `spec`."""
    template = _patch_macs(spec, _template_patches(spec)) + (16 + 4 * spec.dim if spec.target_token else 0)
    template += {"joint": 0, "asymmetric": _asymmetric_template(spec), "split": _split_template(spec)}[spec.attention]
    own = spec.template_tokens if spec.attention == "joint" else 0
    after = spec.search_tokens_after
    per_frame = _patch_macs(spec, spec.search_tokens) + _head_macs(spec)
    per_frame += sum(
        _layer_macs(spec.dim, layer, own + enter, _memory_tokens(spec, layer), dropped=enter - leave)
        for layer, enter, leave in zip(spec.layers, (spec.search_tokens, *after), after, strict=False)
    )
    return Macs(full=template + per_frame, per_frame=per_frame, template=template)


def _memory_tokens(spec: TrackerSpec, layer: LayerSpec) -> int:
    """Template tokens whose cached keys and values a layer sees; LiteTrack's target token is gone by then."""
    if layer.attention == "asymmetric":
        return spec.template_tokens
    return _template_patches(spec) if layer.attention == "AI" else 0


def _asymmetric_template(spec: TrackerSpec) -> int:
    return sum(_layer_macs(spec.dim, layer, spec.template_tokens, 0) for layer in spec.layers)


def _split_template(spec: TrackerSpec) -> int:
    whole = sum(_layer_macs(spec.dim, layer, spec.template_tokens, 0) for layer in spec.layers)
    interaction = (layer for layer in spec.layers if layer.attention == "AI")
    return whole + sum(_keys_values_macs(spec.dim, layer, _template_patches(spec)) for layer in interaction)


def _layer_macs(dim: int, layer: LayerSpec, tokens: int, memory: int, *, dropped: int = 0) -> int:
    attn, mlp = layer.attn_dims or dim, layer.mlp_dims or dim
    linear = attn * (2 * dim + attn) + attn * dim
    hidden = layer.mlp_hidden * (mlp + dim)
    # Eliminating asks once more how much one template token attends to each token: fused attention does not tell.
    ranking = 0 if layer.keep is None else tokens * dim
    return tokens * linear + tokens * (tokens + memory) * (dim + attn) + ranking + (tokens - dropped) * hidden


def _keys_values_macs(dim: int, layer: LayerSpec, tokens: int) -> int:
    attn = layer.attn_dims or dim
    return tokens * attn * (dim + attn)


def _layer_parameters(dim: int, layer: LayerSpec) -> int:
    attn, mlp = layer.attn_dims or dim, layer.mlp_dims or dim
    attention = (attn + 1) * (2 * dim + attn) + (attn + 1) * dim
    return 4 * dim + attention + (mlp + 1) * layer.mlp_hidden + (layer.mlp_hidden + 1) * dim


def _patch_macs(spec: TrackerSpec, patches: int) -> int:
    return patches * 3 * spec.patch**2 * spec.dim


def _head_macs(spec: TrackerSpec) -> int:
    cell = sum(9 * i * o for i, o in _head_convs(spec)) + sum(_OUTPUTS) * (spec.head.channels // 8)
    return spec.search_tokens * cell


def _head_convs(spec: TrackerSpec) -> Iterator[tuple[int, int]]:
    """Input and output channels of every 3×3 convolution of the three branches."""
    c = spec.head.channels
    widths = (spec.dim, c, c // 2, c // 4, c // 8)
    for _ in _OUTPUTS:
        yield from zip(widths, widths[1:], strict=False)


def _template_patches(spec: TrackerSpec) -> int:
    return (spec.template_size // spec.patch) ** 2
