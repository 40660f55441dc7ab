"""Published trackers as points: accuracy and speed, each with its source."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Literal

from compress.prior.ablations import read_table, share

Scope = Literal["network", "loop", "unknown"]
"""What was timed: the network alone, or the whole frame loop; `unknown` where the paper does not state it."""


@dataclass(frozen=True)
class PublishedAccuracy:
    """A published accuracy.

    Attributes:
        metric: `GOT-10k AO`, `LaSOT AUC`, `UAV123 AUC` or `TrackingNet AUC`.
        value: In [0, 1].
        note: What to know when comparing, such as training on more than GOT-10k's own sequences.
    """

    metric: str
    value: float
    paper: str
    table: str
    note: str = ""

    @property
    def source(self) -> str:
        """Paper and table, or where else it stands."""
        return f"{self.paper}, {_place(self.table)}"


@dataclass(frozen=True)
class Speed:
    """A published speed, at batch 1.

    Attributes:
        device: As people call it; `target` is the tool's name for it, where it has one.
        runtime: `pytorch` or `onnxruntime`, empty where the source does not state it; so is `precision`
            (then most likely fp32).
        note: What to know of the figure, such as that it is known at second hand.
    """

    device: str
    target: str
    runtime: str
    precision: str
    fps: float
    scope: Scope
    paper: str
    table: str
    note: str = ""

    @property
    def source(self) -> str:
        """Paper and table, or where else it stands."""
        return f"{self.paper}, {_place(self.table)}"


@dataclass(frozen=True)
class PublishedTracker:
    """One published tracker.

    Attributes:
        tracker: As its paper calls it.
        name: The named tracker it is, empty for one that this package does not build; DyTrack's three operating
            points are one.
        accuracies: By metric.
        speeds: One or several per device: papers time each other's trackers.
    """

    tracker: str
    name: str
    accuracies: Mapping[str, PublishedAccuracy]
    speeds: tuple[Speed, ...]


@cache
def published() -> tuple[PublishedTracker, ...]:
    """Every tracker with a published accuracy, in the order of the table; not all have speeds."""
    found: dict[tuple[str, str], dict[str, PublishedAccuracy]] = {}
    for cells in read_table("accuracies"):
        figure = PublishedAccuracy(
            cells["metric"], share(cells["value"]), cells["paper"], cells["table"], cells["note"]
        )
        found.setdefault((cells["tracker"], cells["named"]), {})[figure.metric] = figure
    return tuple(
        PublishedTracker(tracker, name, figures, _speeds(tracker)) for (tracker, name), figures in found.items()
    )


def published_accuracy(name: str, metric: str) -> PublishedAccuracy | None:
    """What is published of a named tracker, or None; of DyTrack the figure with every frame at the last exit."""
    named = (each for each in published() if name and each.name == name)
    return next((each.accuracies[metric] for each in named if metric in each.accuracies), None)


def _speeds(tracker: str) -> tuple[Speed, ...]:
    return tuple(
        Speed(
            device=cells["device"],
            target=cells["target"],
            runtime=cells["runtime"],
            precision=cells["precision"],
            fps=float(cells["fps"]),
            scope=cells["scope"],  # type: ignore[arg-type]
            paper=cells["paper"],
            table=cells["table"],
            note=cells["note"],
        )
        for cells in read_table("speeds")
        if cells["tracker"] == tracker
    )


def _place(table: str) -> str:
    return table if table in ("README", "abstract", "repository") else f"Table {table}"
