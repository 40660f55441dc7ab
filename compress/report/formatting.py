"""Figures and specs as text, the same in the summary, the plot and the tables."""

from __future__ import annotations

import math
from collections.abc import Iterable

from compress.archive import SHARE, Archive, PriorAccuracy, Record
from compress.core import LatencyConstraint, TrackerSpec


def digits(value: float, count: int = 3) -> str:
    """`value` to `count` significant digits, zeros kept, never in powers of ten: `0.900`, `1.86`, `102`."""
    if value == 0 or not math.isfinite(value):
        return f"{value:g}"
    return f"{value:.{max(0, count - 1 - math.floor(math.log10(abs(value))))}f}"


def constraint_text(constraint: LatencyConstraint) -> str:
    """The constraint as text: `at most 0.93 ms per frame (2× the teacher's speed)`."""
    if constraint.max_ms is None:
        return "no latency bound"
    given = [f"{constraint.given[k]:g}{unit}" for k, unit in _GIVEN.items() if k in constraint.given]
    figure = "" if constraint.at == "mean" else f"{constraint.at} "
    return f"{figure}at most {digits(constraint.max_ms)} ms per frame" + (f" ({', '.join(given)})" if given else "")


_GIVEN = {"speedup": "× the teacher's speed", "fps": " fps"}


def speedup(archive: Archive, record: Record) -> float | None:
    """Teacher's mean latency over the record's."""
    teacher, own = archive.teacher.latency, record.latency
    return teacher.mean_ms / own.mean_ms if teacher and own else None


def provenance(record: Record) -> str:
    """How the latency was obtained; `at best` where an adaptive tracker's paths were never counted."""
    if record.latency is None:
        return "–"
    return f"{record.latency.provenance}, at best" if record.optimistic else record.latency.provenance


def prior_accuracy(prior: PriorAccuracy) -> str:
    """An estimated accuracy as text: `expected GOT-10k AO 0.67 (0.64 to 0.71)`."""
    figures = f"{prior.mean:.2f} ({prior.low:.2f} to {prior.high:.2f})"
    return (
        f"expected to keep {figures} of the teacher's accuracy"
        if prior.metric == SHARE
        else (f"expected {prior.metric} {figures}")
    )


def worst_path(constraint: LatencyConstraint, record: Record) -> str | None:
    """The latency of an adaptive tracker's worst path, compared with the bound: `1.20 ms, over the bound`."""
    if record.latency is None or record.latency.worst_ms is None:
        return None
    within = {True: ", within the bound", False: ", over the bound", None: ""}[constraint.met_at_worst(record.latency)]
    return f"{digits(record.latency.worst_ms)} ms{within}"


def layers_used(record: Record) -> str | None:
    """Layers that the frames of an adaptive tracker computed: `3.0 of 6 layers`; None where they were not counted."""
    if not record.spec.adaptive or record.layers_used is None:
        return None
    return f"{record.layers_used:.1f} of {len(record.spec.layers)} layers"


def decisions(spec: TrackerSpec) -> str:
    """What an adaptive tracker decides per frame: `bypass from layer 3, exits after 4 and 6`; empty for others."""
    if not spec.adaptive:
        return ""
    parts = [] if spec.bypass is None else [f"bypass from layer {spec.bypass.n_enf + 1}"]
    if len(spec.exits) > 1:
        *early, last = (str(each.after) for each in spec.exits)
        parts.append(f"exits after {', '.join(early)} and {last}")
    return ", ".join(parts)


def tokens_kept(spec: TrackerSpec) -> str:
    """What is left of the search tokens, and behind the attention of which layers, from 1; empty where none leave.

    Such as `34% of search tokens behind layers 4, 7, 10, by motion`.
    """
    places = [str(i + 1) for i in spec.eliminating]
    if not places:
        return ""
    left = spec.search_tokens_after[-1] / spec.search_tokens
    which = f"layer{'s' * (len(places) > 1)} {', '.join(places)}"
    return f"{left:.0%} of search tokens behind {which}, by {spec.keep_by}"


def template_kept(spec: TrackerSpec) -> str:
    """How much of each template goes on, such as `12 of 16 template patches`; empty where all does."""
    left = len(spec.template_places)
    return f"{left} of {spec.template_patches} template patches" if left < spec.template_patches else ""


def mlp_ratio(spec: TrackerSpec) -> str:
    """MLP ratio (hidden over input dimensions), `2–4` where layers differ."""
    return span(layer.mlp_hidden / spec.dim for layer in spec.layers)


def removed_share(spec: TrackerSpec) -> str:
    """μ: the share of dimensions that dimension reduction removes, over both sides of all layers."""
    kept = [dims or spec.dim for layer in spec.layers for dims in (layer.attn_dims, layer.mlp_dims)]
    return span(1 - dims / spec.dim for dims in kept)


def heads_left(spec: TrackerSpec) -> str:
    """Attention heads per layer, such as `2–4 heads`; empty where every layer has all of them."""
    if all(layer.heads is None for layer in spec.layers):
        return ""
    found = span(layer.heads or spec.heads for layer in spec.layers)
    return f"{found} of {spec.heads} heads"


def span(values: Iterable[float]) -> str:
    """One figure where all agree, else the least and the greatest."""
    found = sorted(values)
    low, high = f"{found[0]:.3g}", f"{found[-1]:.3g}"
    return low if low == high else f"{low}–{high}"


def attention_split(spec: TrackerSpec) -> str:
    """`5 + 2` for five FE and two AI layers; the attention's name where the tracker is not split."""
    return f"{spec.count('FE')} + {spec.count('AI')}" if spec.attention == "split" else spec.attention


def crops(spec: TrackerSpec, teacher: TrackerSpec | None) -> str:
    """The sides of the crops, such as `crops of 96 and 48 px`; empty where they are the teacher's."""
    if teacher and (spec.search_size, spec.template_size) == (teacher.search_size, teacher.template_size):
        return ""
    return f"crops of {spec.search_size} and {spec.template_size} px"


def network_summary(record: Record, teacher: TrackerSpec | None = None) -> str:
    """One line about the network: layers, MLP ratio, μ, tokens and template patches kept, parameters, precision.

    Args:
        teacher: Whose crops go without saying; those of all others are told, and of all where it is None.
    """
    spec = record.spec
    kinds = f"{attention_split(spec)} FE + AI" if spec.attention == "split" else spec.attention
    parts = [f"{len(spec.layers)} layers ({kinds})", f"MLP ratio {mlp_ratio(spec)}"]
    parts += [f"μ {removed_share(spec)}"] if removed_share(spec) != "0" else []
    told = (heads_left(spec), crops(spec, teacher), tokens_kept(spec), template_kept(spec))
    parts += [each for each in told if each]
    parts += [decisions(spec)] if spec.adaptive else []
    parts += [f"{digits(record.params / 1e6)} M parameters"]
    return ", ".join([*parts, *([] if spec.precision == "fp32" else [spec.precision])])
