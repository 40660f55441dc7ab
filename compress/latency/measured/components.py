"""Costs of a tracker's components from a profile."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict
from typing import Any

from compress.core import TrackerSpec
from compress.latency.family import Family
from compress.latency.measured.layers import layer_ms
from compress.latency.measured.profile import Profile
from compress.latency.model import UncoveredError


def components_p10_ms(profile: Profile, spec: TrackerSpec) -> dict[str, float]:
    """10th percentiles of a network's components, which add up to its own: `layers.0` and so on, and the `rest`.

    The rest is what every frame pays beside the layers: embedding, shrink attentions, final norm, head and the call.
    Of an adaptive tracker, the components that it has in common with a static one.

    Raises:
        UncoveredError: naming every component of `spec` that the profile does not cover.
    """
    missing = _family_problems(profile, spec)
    if spec.attention not in profile.overhead_ms:
        missing.append(f"{spec.attention} trackers")
    costs = {"rest": profile.overhead_ms.get(spec.attention, 0.0)}
    counts = (spec.search_tokens, *spec.search_tokens_after)
    for i, layer in enumerate(spec.layers):
        try:
            costs[f"layers.{i}"] = layer_ms(profile, layer, counts[i], counts[i + 1], template_left(spec))
        except UncoveredError as error:
            missing.append(str(error))
    if missing:
        raise uncovered(profile, spec, missing)
    return costs


def template_left(spec: TrackerSpec) -> int | None:
    """Patches of each template that go on; None where all do."""
    left = len(spec.template_places)
    return None if left == spec.template_patches else left


def uncovered(profile: Profile, spec: TrackerSpec, missing: Iterable[str]) -> UncoveredError:
    """The error for a tracker of which a profile lacks `missing`."""
    return UncoveredError(
        f"The profile of {profile.target} ({profile.device}) does not cover {spec.id}: it lacks "
        f"{'; '.join(dict.fromkeys(missing))}. Measure a profile that does."
    )


def _family_problems(profile: Profile, spec: TrackerSpec) -> list[str]:
    family = Family.of(spec)
    if family == profile.family:
        return []
    wanted, found = asdict(family), asdict(profile.family)
    return [f"{k} {_format(wanted[k])} (it has {_format(found[k])})" for k in wanted if wanted[k] != found[k]]


def _format(value: Any) -> str:
    if isinstance(value, dict):
        return " ".join(map(str, value.values()))
    return ", ".join(map(_format, value)) or "none" if isinstance(value, tuple) else str(value)
