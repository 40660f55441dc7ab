"""Costs of a tracker's components from a profile."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict
from typing import Any

from compress.core import TrackerSpec
from compress.latency.family import Family
from compress.latency.measured.layers import interpolate, layer_ms
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
    if missing:
        raise uncovered(profile, spec, missing)
    costs = {"rest": 0.0}
    if spec.attention in profile.overheads:
        costs["rest"] = _rest_ms(profile, spec)
    else:
        missing.append(f"{spec.attention} trackers")
    counts = (spec.search_tokens, *spec.search_tokens_after)
    for i, layer in enumerate(spec.layers):
        try:
            costs[f"layers.{i}"] = layer_ms(profile, layer, counts[i], counts[i + 1], len(spec.template_places))
        except UncoveredError as error:
            missing.append(str(error))
    if missing:
        raise uncovered(profile, spec, missing)
    return costs


def uncovered(profile: Profile, spec: TrackerSpec, missing: Iterable[str]) -> UncoveredError:
    """The error for a tracker of which a profile lacks `missing`."""
    return UncoveredError(
        f"The profile of {profile.target} ({profile.device}) does not cover {spec.id}: it lacks "
        f"{'; '.join(dict.fromkeys(missing))}. Measure a profile that does."
    )


def _rest_ms(profile: Profile, spec: TrackerSpec) -> float:
    """The rest is in proportion to the search crop's pixels, more or less: linear between crops that were measured."""
    measured = profile.overheads[spec.attention]
    return interpolate(measured, spec.search_tokens, measured.__getitem__, "search tokens of the crop")


def _family_problems(profile: Profile, spec: TrackerSpec) -> list[str]:
    family, own = Family.of(spec), profile.family
    if family == own:
        return []
    wanted, found = asdict(family), asdict(own)
    # Smaller templates cost what fewer patches do, which layers look up by their number.
    ranges = {"template_size": own.patch} if any(block.template is not None for block in profile.blocks) else {}
    ranges |= {"search_size": min(search for search, _ in profile.sizes)} if profile.sizes else {}
    problems = []
    for name, least in ranges.items():
        given = wanted.pop(name)
        if not least <= given <= found[name]:
            problems.append(f"{name} {given} (it has {least} to {found[name]})")
    return problems + [
        f"{k} {_format(wanted[k])} (it has {_format(found[k])})" for k in wanted if wanted[k] != found[k]
    ]


def _format(value: Any) -> str:
    if isinstance(value, dict):
        return " ".join(map(str, value.values()))
    return ", ".join(map(_format, value)) or "none" if isinstance(value, tuple) else str(value)
