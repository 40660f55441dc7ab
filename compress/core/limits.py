"""How large a tracker can be: far above every published one, and small enough that none takes a machine's memory.

A spec is read from files that nobody vouches for, and what it describes is allocated: every field has an upper bound,
and so has what the fields make together. All are computed from the fields, without building anything.
"""

from __future__ import annotations

from collections.abc import Iterator

from compress.core.plain_values import shown
from compress.core.tracker_fields import TrackerFields

# The largest published backbones (ViT-g: 1,408 wide, 40 deep; crops of 518 pixels) fit each bound of a field twice.
_MOST = {"dim": 4096, "heads": 128, "patch": 64, "template_size": 1024, "search_size": 1024}
_MOST_LAYERS, _MOST_SOURCE, _MOST_MLP = 128, 4096, 16_384
_MOST_CHANNELS, _MOST_BINS, _MOST_STAGES = 2048, 4096, 8
_MOST_TOKENS = 4096
_MOST_WEIGHTS = 500_000_000
"""Parameters: two gigabytes in single precision, the most that one file of ONNX holds."""
_MOST_PRODUCTS = 2**28
"""Attention weights of one layer, over all heads: a gigabyte."""
_MOST_MACS = 2 * 10**12
"""Multiply-accumulates of a frame: thirty times OSTrack-384's."""


def size_problems(spec: TrackerFields) -> Iterator[str]:
    """One line per field that is larger than any tracker's, or else per total that is."""
    found = list(_fields(spec))
    yield from found or _totals(spec)


def _fields(spec: TrackerFields) -> Iterator[str]:
    for name, most in _MOST.items():
        yield from _above(name, getattr(spec, name), most)
    yield from _above("head.channels", spec.head.channels, _MOST_CHANNELS)
    yield from _above("head.bins", spec.head.bins, _MOST_BINS)
    for name, count, most in (
        ("layers", len(spec.layers), _MOST_LAYERS),
        ("exits", len(spec.exits), _MOST_LAYERS),
        ("stages", len(spec.stages), _MOST_STAGES),
    ):
        if count > most:
            yield f"{name} must be at most {most} but are {count}"
            return
    for i, layer in enumerate(spec.layers):
        yield from _above(f"layers[{i}].source", layer.source, _MOST_SOURCE)
        yield from _above(f"layers[{i}].mlp_hidden", layer.mlp_hidden, _MOST_MLP)
    for i, stage in enumerate(spec.stages):
        yield from _above(f"stages[{i}].dim", stage.dim, _MOST["dim"])
        yield from _above(f"stages[{i}].shrink_hidden", stage.shrink_hidden, _MOST_MLP)
        for name in ("heads", "key_dim", "shrink_heads"):
            yield from _above(f"stages[{i}].{name}", getattr(stage, name), _MOST["heads"])


def _above(name: str, value: int, most: int) -> Iterator[str]:
    if value > most:
        yield f"{name} must be at most {most} but is {shown(value)}"


def _totals(spec: TrackerFields) -> Iterator[str]:
    tokens = spec.search_tokens + spec.template_patches * (1 + max(0, spec.online_templates))
    if tokens > _MOST_TOKENS:
        yield f"search_size, template_size and patch give {tokens} tokens, more than {_MOST_TOKENS}"
        return
    width = max([spec.dim, *(stage.dim for stage in spec.stages)])
    heads = max([spec.heads, *(max(stage.heads, stage.shrink_heads) for stage in spec.stages)])
    if heads * tokens**2 > _MOST_PRODUCTS:
        yield f"{heads} heads over {tokens} tokens give {heads * tokens**2} attention weights, over {_MOST_PRODUCTS}"
    weights = _weights(spec, width)
    if weights > _MOST_WEIGHTS:
        yield f"layers, exits and head hold about {weights} parameters, more than {_MOST_WEIGHTS}"
    macs = tokens * weights + 2 * tokens**2 * width * len(spec.layers)
    if macs > _MOST_MACS:
        yield f"layers over {tokens} tokens take about {macs} multiply-accumulates a frame, more than {_MOST_MACS}"


def _weights(spec: TrackerFields, width: int) -> int:
    """About as many as a tracker holds, from above: `compress.core.cost` counts those of possible trackers."""
    inner = max([width, *(stage.heads * stage.key_dim * 2 for stage in spec.stages)])
    layers = sum(4 * width * inner + 2 * width * layer.mlp_hidden for layer in spec.layers)
    adapters = 12 * width**2 * sum(max(0, each.adapter) for each in spec.exits)
    shrinking = sum(
        8 * width * each.shrink_heads * each.key_dim + 2 * width * each.shrink_hidden for each in spec.stages
    )
    channels = spec.head.channels
    head = 3 * 9 * channels * (width + channels) if spec.head.kind != "tokens" else 2 * width * (width + spec.head.bins)
    return layers + adapters + shrinking + head * max(1, len(spec.exits))
