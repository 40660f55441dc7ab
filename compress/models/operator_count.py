"""Multiply-accumulates of a network as it is built, counted operator by operator with fvcore.

`compress describe --check` compares the formulas of `compress.core.cost` with it. The convention is theirs: one
multiply-add of linear layers, convolutions and both attention products counts one, at batch 1; norms, activations,
softmax, additions and the like count nothing. The network is in its form for inference (`fused`), all layers and exits
are computed. An operator that is neither counted nor known to count nothing is listed in `unknown`.
"""

from __future__ import annotations

import re
import warnings
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import wraps
from math import prod
from typing import Any

import torch
from torch import Tensor, nn

from compress.models.adaptive.tracker import AdaptiveTracker
from compress.models.fusing import fused
from compress.models.tracker import Tracker

_COMPONENTS = (
    (r"backbone\.blocks\.(\d+)", "layers.{0}"),
    (r"backbone\.(?:patch_embed|stem)", "patches"),
    (r"backbone\.shrinks\.(\d+)", "shrink.{1}"),
    (r"bypass\.gates\.(\d+)", "bypass.{0}"),
    (r"exits\.(\d+)\.(?:head|proj|norm)", "exits.{0}.head"),
    (r"exits\.(\d+)", "exits.{0}"),
    (r"box_head", "head"),
    (r"target_token_embed", "target token"),
    (r"bridge", "bridge"),
)
"""Modules by their path, and the component of `compress.core.cost` whose work theirs is; {1} counts from 1."""

_FREE = re.compile(
    r"aten::(?:"
    r"abs|add|alias|amax|argmax|clone|cos|cumsum|div|elu|embedding|exp|expand_as|"
    r"fill|gelu|hardswish|index_copy|index_select|isnan|item|le|leaky_relu|lift_fresh|"
    r"linspace|logical_and|logical_not|logical_or|lt|max_pool2d|maximum|mean|meshgrid|"
    r"minimum|mul|ne|neg|one_hot|pow|reciprocal|relu|repeat|rsqrt|rsub|scalar_tensor"
    r"|scatter|sigmoid|silu|sin|softmax|sort|sqrt|square|sub|sum|tanh|topk|"
    r"view_as|where"
    r")_?"
)
"""Operators that the convention counts nothing for."""


@dataclass(frozen=True)
class OperatorCount:
    """What was counted.

    Attributes:
        template, frame: Multiply-accumulates by component, of the work once per sequence and for each frame.
        free: Operators that count nothing by convention, with how often they were met.
        unknown: Operators whose cost is not known here, with how often they were met.
    """

    template: Mapping[str, int]
    frame: Mapping[str, int]
    free: Mapping[str, int] = field(default_factory=dict)
    unknown: Mapping[str, int] = field(default_factory=dict)


@torch.no_grad()
def count_operators(model: Tracker) -> OperatorCount:
    """Trace template work and one frame of a copy of `model`, and count."""
    ready = fused(model)
    made = _attributed(ready)
    spec = ready.spec
    box = torch.tensor([[0.25, 0.25, 0.75, 0.75]]) if spec.target_token else None
    crop = torch.rand(1, 3, spec.template_size, spec.template_size)
    search = torch.rand(1, 3, spec.search_size, spec.search_size)
    memory = ready.encode_template(crop, box)
    met: Counter[str] = Counter()
    template = _counted(_Work(ready, made, lambda x: ready.encode_template(x, box)), crop, met)
    frame = _counted(_Work(ready, made, lambda x: _frame(ready, x, memory)), search, met)
    free = {name: count for name, count in sorted(met.items()) if _FREE.fullmatch(name)}
    unknown = {name: count for name, count in sorted(met.items()) if not _FREE.fullmatch(name)}
    return OperatorCount(template, frame, free, unknown)


def _frame(tracker: Tracker, search: Tensor, memory: dict[str, Tensor]) -> Any:
    """One frame through every layer and every exit, so that each component's formula can be compared."""
    if not isinstance(tracker, AdaptiveTracker) or not (tracker.spec.bypass or tracker.spec.exits):
        return tracker.track(search, memory)
    spec, x, recycled = tracker.spec, tracker.frame_tokens(search, memory), None
    answers: list[Any] = []
    for i in range(len(spec.layers)):
        decided = tracker.decide(i, x) if i in spec.skippable else None
        x = tracker.layer(i, x, memory)
        answers.append(decided)
        for k, each in enumerate(spec.exits):
            if each.after == i + 1:
                recycled, score = tracker.exit(k)(x, recycled)
                answers.append(tracker.exit(k).answer(tracker.exit(k).read(recycled), score))
    return answers if spec.exits else (answers, tracker.answer(tracker.features(x)))


class _Work(nn.Module):
    """What is traced; all that components made is among its outputs, or the trace would leave dead ends out."""

    def __init__(self, tracker: Tracker, made: list[Any], work: Callable[[Tensor], Any]) -> None:
        super().__init__()
        self.tracker, self._made, self._work = tracker, made, work

    def forward(self, crop: Tensor) -> tuple[Tensor, ...]:
        self._made.clear()
        out = self._work(crop)
        return tuple(_tensors((out, *self._made)))


def _tensors(value: Any) -> Iterator[Tensor]:
    """All tensors of an output."""
    if isinstance(value, Tensor):
        yield value
    elif isinstance(value, Mapping):
        yield from _tensors(tuple(value.values()))
    elif isinstance(value, tuple | list):
        for each in value:
            yield from _tensors(each)


def _counted(module: nn.Module, crop: Tensor, met: Counter[str]) -> dict[str, int]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # fvcore's own import and torch's tracer are deprecated
        from fvcore.nn import FlopCountAnalysis

        analysis = FlopCountAnalysis(module, (crop,)).ancestor_mode("owner").tracer_warnings("none")
        analysis = analysis.unsupported_ops_warnings(False).uncalled_modules_warnings(False)
        analysis.set_op_handle("aten::scaled_dot_product_attention", _attention_products)
        analysis.set_op_handle(**dict.fromkeys(_NOT_COUNTED, lambda inputs, outputs: 0))
        inclusive = dict(analysis.by_module())
    met.update(analysis.unsupported_ops())
    found: dict[str, int] = {}
    for name, count in inclusive.items():
        children = (other for other in inclusive if other and other.rpartition(".")[0] == name)
        own = int(count) - sum(int(inclusive[child]) for child in children)
        if own:
            component = _component(name.removeprefix("tracker").lstrip("."))
            found[component] = found.get(component, 0) + own
    return found


_NOT_COUNTED = tuple(
    f"aten::{name}"
    for name in ("batch_norm", "group_norm", "layer_norm", "instance_norm", "upsample_nearest2d", "upsample_bilinear2d")
)
"""Counted by fvcore, not by the convention."""


def _attention_products(inputs: list[Any], outputs: list[Any]) -> int:
    """Queries with keys, and weights with values."""
    queries, keys, values = (value.type().sizes() for value in inputs[:3])
    return int(prod(queries[:-1]) * keys[-2] * (queries[-1] + values[-1]))


def _component(path: str) -> str:
    for pattern, name in _COMPONENTS:
        found = re.match(rf"{pattern}(?:\.|$)", path)
        if found:
            index = int(found[1]) if found.groups() else 0
            return name.format(index, index + 1)
    return path or "tracker"


def _attributed(model: Tracker) -> list[Any]:
    """Count work in components' own methods as theirs: tracing by itself attributes calls of modules only.

    Returns:
        A list that fills with whatever components put out.
    """
    made: list[Any] = []
    for name, module in model.named_modules():
        if not any(re.fullmatch(pattern, name) for pattern, _ in _COMPONENTS):
            continue
        module.register_forward_hook(lambda _module, _inputs, out: made.append(out))
        for attribute, function in vars(type(module)).items():
            if callable(function) and not attribute.startswith("_") and attribute not in ("forward", "fused"):
                setattr(module, attribute, _scoped(getattr(module, attribute), f"tracker.{name}", made))
    return made


def _scoped(method: Callable[..., Any], name: str, made: list[Any]) -> Callable[..., Any]:
    @wraps(method)
    def call(*values: Any, **named: Any) -> Any:
        tracing = torch._C._get_tracing_state()
        if not tracing:
            return method(*values, **named)
        tracing.push_scope(name)
        try:
            made.append(method(*values, **named))
        finally:
            tracing.pop_scope()
        return made[-1]

    return call
