"""Latency of a spec from a profile: its parts, scaled, and the frame loop."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from compress.core import Latency, TrackerSpec
from compress.profiles.family import Family
from compress.profiles.layers import UncoveredError, layer_ms
from compress.profiles.profile import Profile


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
    return sum(parts_low_ms(profile, spec).values())


def parts_low_ms(profile: Profile, spec: TrackerSpec) -> dict[str, float]:
    """10th percentiles of a network's parts, which add up to its own: `layers.0` and so on, and the `rest`.

    The rest is what every frame pays beside the layers: embedding, shrink attentions, final norm, head and the call.

    Raises:
        UncoveredError: as `predict`.
    """
    refuse_adaptive(spec)
    missing = _family_problems(profile, spec)
    if spec.attention not in profile.fixed_ms:
        missing.append(f"{spec.attention} trackers")
    parts = {"rest": profile.fixed_ms.get(spec.attention, 0.0)}
    counts = (spec.search_tokens, *spec.search_tokens_after)
    for i, layer in enumerate(spec.layers):
        try:
            parts[f"layers.{i}"] = layer_ms(profile, layer, counts[i], counts[i + 1])
        except UncoveredError as error:
            missing.append(str(error))
    if missing:
        raise UncoveredError(
            f"The profile of {profile.target} ({profile.device}) does not cover {spec.id}: it lacks "
            f"{'; '.join(dict.fromkeys(missing))}. Measure a profile that does."
        )
    return {name: ms * profile.scale for name, ms in parts.items()}


def refuse_adaptive(spec: TrackerSpec) -> None:
    """Raise UncoveredError for a tracker whose work depends on the frame: no profile knows what a frame decides."""
    found = [name for name, has in (("bypass", spec.bypass is not None), ("exits", bool(spec.exits))) if has]
    if found:
        raise UncoveredError(
            f"The latency of {spec.id} cannot be predicted: profiles cover trackers that do the same for every frame, "
            f"not {' and '.join(found)}. Measure the tracker itself, or choose a static one."
        )


def _family_problems(profile: Profile, spec: TrackerSpec) -> list[str]:
    wanted, found = asdict(Family.of(spec)), asdict(profile.family)
    return [f"{k} {_words(wanted[k])} (it has {_words(found[k])})" for k in wanted if wanted[k] != found[k]]


def _words(value: Any) -> str:
    if isinstance(value, dict):
        return " ".join(map(str, value.values()))
    return ", ".join(map(_words, value)) or "none" if isinstance(value, tuple) else str(value)
