"""Which layers lose most in int8, found by leaving each in float by itself."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from compress.core import TrackerSpec
from compress.core.progress import Progress, no_progress
from compress.export.calibration import CalibrationCrops
from compress.geometry import LoopSettings, Network, decode, hann_window
from compress.runtime import GraphNetwork

SHARE = 0.15
"""A layer stays in float where that takes so much of the error away,"""
MOST = 4
"""but at most one in so many layers."""

MakeGraphs = Callable[[tuple[str, ...]], Mapping[str, bytes]]
"""The quantised graphs of a tracker with some of its layers left in float."""


@dataclass(frozen=True)
class Sensitivity:
    """Errors of boxes on calibration crops, as mean differences of x, y, w and h in shares of the search crop.

    Attributes:
        whole: With all layers in int8; `kept` with those of `float_layers` in float.
        without: With one layer in float, by its name.
    """

    whole: float
    without: dict[str, float]
    float_layers: tuple[str, ...]
    kept: float


def measured_sensitivity(
    spec: TrackerSpec,
    make: MakeGraphs,
    layers: list[str],
    exact: Mapping[str, bytes],
    crops: CalibrationCrops,
    *,
    progress: Progress = no_progress,
) -> Sensitivity:
    """Quantise all layers, all but each one, and all but those that lose most.

    Args:
        layers: See `linear_layers`.
        exact: The graphs in float.
    """
    wanted = boxes_on(GraphNetwork(spec, exact), spec, crops)
    steps = len(layers) + 2

    def error(kept: tuple[str, ...], step: int) -> float:
        progress(f"box errors without {', '.join(kept) or 'any layer'} in int8" if kept else "box errors", step / steps)
        return float(np.abs(boxes_on(GraphNetwork(spec, make(kept)), spec, crops) - wanted).mean())

    whole = error((), 0)
    without = {layer: error((layer,), i) for i, layer in enumerate(layers, start=1)}
    float_layers = most_sensitive(whole, without)
    kept = error(float_layers, steps - 1) if float_layers else whole
    return Sensitivity(whole, without, float_layers, kept) if kept < whole else Sensitivity(whole, without, (), whole)


def most_sensitive(whole: float, without: Mapping[str, float]) -> tuple[str, ...]:
    """The layers that take at least `SHARE` of the error `whole` away, the worst first, and one in `MOST` at most."""
    gains = {layer: whole - error for layer, error in without.items()}
    found = [layer for layer in sorted(gains, key=lambda each: -gains[each]) if gains[layer] >= SHARE * whole > 0]
    return tuple(found[: len(without) // MOST])


def boxes_on(network: Network, spec: TrackerSpec, crops: CalibrationCrops) -> NDArray[np.float32]:
    """(N, 4): the boxes that a network finds in search crops, cx, cy, w, h in shares of the crop."""
    window, found = hann_window(LoopSettings.of(spec).grid), []
    for search, given in zip(crops.search, crops.templates(spec), strict=True):
        memory = network.encode_template(given["template"], given.get("template_box"), given.get("online_template"))
        found.append(decode(network.track(search[None], memory).maps, window)[0])
    return np.stack(found)
