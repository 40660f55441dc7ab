"""Published speeds of trackers, read from `published_fps.csv`."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from compress.core import BypassSpec, HeadSpec, LayerSpec, TrackerSpec, describe, kept_dims
from compress.core.zoo.trackers import uniform_layers
from compress.latency.estimated.fitting import Sample

FIGURES = Path(__file__).with_name("published_fps.csv")
VARIED = ("layers", "ai_layers", "mlp_ratio", "search_size", "head", "dim", "dr_ratio", "n_enf", "tau0")
"""Columns in which a row differs from the named tracker."""


@dataclass(frozen=True)
class Figure:
    """A row of the table, read."""

    cells: dict[str, str]
    sample: Sample

    @property
    def column(self) -> tuple[str, str, str]:
        """Device, runtime and precision."""
        return self.cells["device"], self.cells["runtime"], self.cells["precision"]

    @property
    def fps(self) -> float:
        return float(self.cells["fps"])

    @property
    def label(self) -> str:
        """The tracker in words."""
        extra = [f"{name} {self.cells[name]}" for name in VARIED if self.cells[name]]
        return self.cells["tracker"] + (f" ({', '.join(extra)})" if extra else "")


def read_figures() -> Iterator[Figure]:
    """The figures of `published_fps.csv`, each with the tracker it is of."""
    with FIGURES.open(encoding="utf-8", newline="") as file:
        for cells in csv.DictReader(file):
            spec = _spec(cells)
            sample = Sample(
                spec=spec,
                runtime=cells["runtime"],  # type: ignore[arg-type]
                ms=1000 / float(cells["fps"]),
                scope=cells["scope"],  # type: ignore[arg-type]
                every_frame=cells["template"] == "every frame",
                skipped=spec.bypass.tau0 if spec.bypass else 0.0,
            )
            yield Figure(cells, sample)


def _spec(cells: dict[str, str]) -> TrackerSpec:
    """The named tracker, with what the row says otherwise."""
    spec = describe(cells["tracker"])
    changes: dict[str, Any] = {}
    if cells["dim"]:
        changes |= {"dim": int(cells["dim"]), "heads": int(cells["dim"]) // 64, "layers": uniform_layers(12, 768)}
    if cells["layers"]:
        changes["layers"] = _layers(spec, cells)
    if cells["search_size"]:
        size = int(cells["search_size"])
        changes |= {"search_size": size, "template_size": 112 if size == 224 else spec.template_size}
    if cells["head"]:
        changes["head"] = HeadSpec(kind=cells["head"], channels=spec.head.channels)  # type: ignore[arg-type]
    if cells["dr_ratio"]:
        changes["layers"] = _reduced(spec, float(cells["dr_ratio"]))
    if cells["n_enf"] or cells["tau0"]:
        given = {"n_enf": int(cells["n_enf"] or 2), "tau0": float(cells["tau0"] or 0.4)}
        changes["bypass"] = replace(spec.bypass or BypassSpec(), **given)
    return replace(spec, **changes)


def _layers(spec: TrackerSpec, cells: dict[str, str]) -> tuple[LayerSpec, ...]:
    depth, hidden = int(cells["layers"]), int(cells["mlp_ratio"] or 4) * spec.dim
    if not cells["ai_layers"]:
        return uniform_layers(depth, hidden, spec.layers[0].attention)
    apart = depth - int(cells["ai_layers"])
    return uniform_layers(apart, hidden, "FE") + tuple(
        LayerSpec(source=i, mlp_hidden=hidden, attention="AI") for i in range(apart, depth)
    )


def _reduced(spec: TrackerSpec, ratio: float) -> tuple[LayerSpec, ...]:
    kept = kept_dims(spec.dim, spec.heads, ratio)
    return tuple(replace(layer, mlp_hidden=4 * kept, attn_dims=kept, mlp_dims=kept) for layer in spec.layers)
