"""Latency of a spec from a profile: fixed cost + blocks, scaled, + frame loop."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from compress.core import CompressError, Latency, LayerSpec, TrackerSpec
from compress.profiles.profile import Family, Profile, layer_key

_Point = tuple[int | None, int, int | None]


class UncoveredError(CompressError):
    """A spec holds a part that the profile never saw; its cost is unknown, not zero."""


@dataclass(frozen=True)
class Verdict:
    """Whether a spec keeps a bound, by prediction."""

    latency: Latency
    bound_ms: float

    @property
    def passes(self) -> bool:
        return self.latency.mean_ms <= self.bound_ms

    @property
    def reason(self) -> str:
        """One line for the archive."""
        word = "within" if self.passes else "over"
        return f"{self.latency.provenance} {self.latency.mean_ms:.3g} ms, {word} the bound of {self.bound_ms:.3g} ms"


def gate(profile: Profile, spec: TrackerSpec, bound_ms: float) -> Verdict:
    """Hold the predicted mean of `spec` against a bound in ms.

    Raises:
        UncoveredError: as `predict`.
    """
    return Verdict(predict(profile, spec), bound_ms)


def predict(profile: Profile, spec: TrackerSpec) -> Latency:
    """Latency of the whole frame loop.

    The parts of a profile are 10th percentiles, the statistic that adds up. Mean and percentiles are the
    predicted 10th percentile times the ratio that whole trackers showed while the profile was measured.

    Raises:
        UncoveredError: naming every part of `spec` that the profile does not cover.
    """
    network = network_low_ms(profile, spec)
    low = network + profile.loop_ms
    ratios = profile.ratios
    return Latency(
        mean_ms=low * ratios.mean,
        p50_ms=low * ratios.p50,
        p90_ms=low * ratios.p90,
        p99_ms=low * ratios.p99,
        network_ms=network * ratios.mean,
        provenance="predicted" if profile.provenance == "measured" else "estimated",
        runs=profile.runs,
        warmup=profile.warmup,
        threads=profile.threads,
        runtime=profile.runtime,
        device=profile.device,
    )


def low_ms(profile: Profile, spec: TrackerSpec) -> float:
    """10th percentile of the whole frame loop. Raises as `predict`."""
    return network_low_ms(profile, spec) + profile.loop_ms


def network_low_ms(profile: Profile, spec: TrackerSpec) -> float:
    """10th percentile of the network within the loop. Raises as `predict`."""
    _refuse_elimination(profile, spec)
    missing = _family_problems(profile, spec)
    total = profile.fixed_ms.get(spec.attention, 0.0)
    if spec.attention not in profile.fixed_ms:
        missing.append(f"{spec.attention} trackers")
    for layer in spec.layers:
        try:
            total += _layer_ms(profile, layer)
        except UncoveredError as error:
            missing.append(str(error))
    if missing:
        raise UncoveredError(
            f"The profile of {profile.target} ({profile.device}) does not cover {spec.id}: it lacks "
            f"{'; '.join(dict.fromkeys(missing))}. Measure a profile that does."
        )
    return total * profile.scale


def _refuse_elimination(profile: Profile, spec: TrackerSpec) -> None:
    """A block is measured at full length; with fewer tokens it, and each one behind it, costs something else."""
    keeps = [f"layers[{i}].keep {layer.keep}" for i, layer in enumerate(spec.layers) if layer.keep is not None]
    if keeps:
        raise UncoveredError(
            f"The profile of {profile.target} ({profile.device}) does not cover {spec.id}: it knows layers that "
            f"pass on all search tokens, not candidate elimination ({', '.join(keeps)}). "
            "Measure the tracker itself, or search from one without elimination."
        )


def _family_problems(profile: Profile, spec: TrackerSpec) -> list[str]:
    wanted, found = asdict(Family.of(spec)), asdict(profile.family)
    return [f"{k} {_words(wanted[k])} (it has {_words(found[k])})" for k in wanted if wanted[k] != found[k]]


def _words(value: Any) -> str:
    return " ".join(map(str, value.values())) if isinstance(value, dict) else str(value)


def _layer_ms(profile: Profile, layer: LayerSpec) -> float:
    key = layer_key(layer)
    if key not in profile.memo:
        profile.memo[key] = _block_ms(profile.block_ms.get(layer.attention, {}), layer)
    return profile.memo[key]


def _block_ms(points: Mapping[_Point, float], layer: LayerSpec) -> float:
    """Attention and MLP cost apart: the MLP's grid at full attention, plus what reduced attention changes.

    Reduced dimensions are interpolated among reduced ones only: reading a part costs a gather that reading
    all does not, so the cost jumps at the first dimension removed.
    """
    mlp = {(hidden, dims): ms for (attn, hidden, dims), ms in points.items() if attn is None}
    if not mlp:
        raise UncoveredError(f"{layer.attention} layers")
    return _mlp_ms(mlp, layer) + _attention_change_ms(points, layer)


def _mlp_ms(grid: Mapping[tuple[int, int | None], float], layer: LayerSpec) -> float:
    """Bilinear in hidden units and kept dimensions."""
    by_dims: dict[int | None, dict[int, float]] = {}
    for (hidden, dims), ms in grid.items():
        by_dims.setdefault(dims, {})[hidden] = ms
    what = f"{layer.attention} layers with mlp_hidden"
    if layer.mlp_dims is None:
        return _line(by_dims.get(None, {}), layer.mlp_hidden, what)
    reduced = {d: line for d, line in by_dims.items() if d is not None}
    at = {d: _line(line, layer.mlp_hidden, what) for d, line in reduced.items()}
    return _line(at, layer.mlp_dims, f"{layer.attention} layers with mlp_dims")


def _attention_change_ms(points: Mapping[_Point, float], layer: LayerSpec) -> float:
    if layer.attn_dims is None:
        return 0.0
    changes = {
        attn: ms - points[None, hidden, dims]
        for (attn, hidden, dims), ms in points.items()
        if attn is not None and (None, hidden, dims) in points
    }
    return _line(changes, layer.attn_dims, f"{layer.attention} layers with attn_dims")


def _line(points: Mapping[int, float], x: int, what: str) -> float:
    """Linear between the measured neighbours of `x`; never beyond the outermost."""
    xs = sorted(points)
    if not xs or not xs[0] <= x <= xs[-1]:
        span = f"measured from {xs[0]} to {xs[-1]}" if xs else "never measured"
        raise UncoveredError(f"{what} {x} ({span})")
    i = bisect_left(xs, x)
    if xs[i] == x:
        return points[x]
    left, right = xs[i - 1], xs[i]
    return points[left] + (points[right] - points[left]) * (x - left) / (right - left)
