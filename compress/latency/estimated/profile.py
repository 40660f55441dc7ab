"""`EstimatedProfile`: a device, runtime and precision described by coefficients fitted to published speeds."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, fields
from functools import cached_property
from typing import Literal, NamedTuple

from compress.core import TrackerSpec, describe
from compress.core.zoo import TRACKERS
from compress.latency.estimated.launches import PublishedRuntime
from compress.latency.estimated.work import frame_work

Scope = Literal["network", "loop"]
"""What a published figure times: the network alone, or the whole frame loop."""


@dataclass(frozen=True)
class Coefficients:
    """What a frame costs: the network `launch_us` for every kernel launched, `ms_per_gmac` for every billion
    multiply-accumulates and `call_ms` once; the frame loop around it `loop_ms`.
    """

    launch_us: float
    ms_per_gmac: float
    call_ms: float
    loop_ms: float


@dataclass(frozen=True)
class Borrowed:
    """A coefficient that the figures of this profile cannot determine, and from which profile it is taken instead."""

    coefficient: str
    source: str
    why: str


@dataclass(frozen=True)
class PublishedSpeed:
    """One published speed, and how near the profile comes to it.

    Attributes:
        tracker: A named tracker.
        source: Paper or page, with the table.
        scope: See `Scope`.
        timer: How it was timed, as far as known.
        template: `once` per sequence, or again in `every frame`, by the code that was timed.
        fit_error: Time estimated over time published, less 1.
        left_out_error: The same, by coefficients fitted without this tracker.
        skipped: Share of its skippable layers a bypassing tracker is taken to skip.
    """

    tracker: str
    fps: float
    source: str
    scope: Scope
    timer: str
    template: Literal["once", "every frame"]
    fit_error: float
    left_out_error: float
    skipped: float = 0.0


@dataclass(frozen=True)
class LeaveOneOut:
    """Absolute relative errors over the published figures, each by coefficients fitted without its tracker."""

    mean: float
    max: float


class Reach(NamedTuple):
    """Smallest and largest of what the figures were published for; beyond it an estimate extrapolates."""

    gmacs: tuple[float, float]
    widths: tuple[int, int]


@dataclass(frozen=True)
class EstimatedProfile:
    """A device, runtime and precision known by published speeds.

    Attributes:
        target: Such as `agx` or `agx:pytorch`.
        hardware: What it is made of, for people.
        limits: What the estimate cannot know, in a sentence for people.
    """

    target: str
    device: str
    hardware: str
    runtime: PublishedRuntime
    precision: Literal["fp32", "fp16"]
    provenance: Literal["estimated"]
    limits: str
    coefficients: Coefficients
    leave_one_out: LeaveOneOut
    figures: tuple[PublishedSpeed, ...]
    borrowed: tuple[Borrowed, ...] = ()
    schema: int = 1

    @property
    def mean_error(self) -> float:
        """Mean absolute relative error on trackers left out of the fit."""
        return self.leave_one_out.mean

    @property
    def max_error(self) -> float:
        """Largest absolute relative error on trackers left out of the fit."""
        return self.leave_one_out.max

    @property
    def names(self) -> tuple[str, ...]:
        """The target's name, and the longer ones that mean the same."""
        device = self.target.split(":")[0]
        longer = (f"{device}:{self.runtime}", f"{device}:{self.runtime}-{self.precision}")
        return tuple(dict.fromkeys((self.target, *longer)))

    @cached_property
    def reach(self) -> Reach:
        """Of the trackers whose figures the profile was fitted to."""
        specs = [describe(figure.tracker) for figure in self.figures]
        gmacs = [frame_work(spec, self.runtime).gmacs for spec in specs]
        spread = [width for spec in specs for width in widths(spec)]
        return Reach((min(gmacs), max(gmacs)), (min(spread), max(spread)))

    def problems(self) -> Iterator[str]:
        """Everything that keeps the figures from being costs and errors."""
        if self.schema != 1:
            yield f"schema must be 1 but is {self.schema}"
        for f in fields(Coefficients):
            yield from _not_a_cost(f"coefficients.{f.name}", getattr(self.coefficients, f.name))
        if not self.coefficients.launch_us + self.coefficients.ms_per_gmac > 0:
            yield "coefficients make every tracker free"
        for f in fields(LeaveOneOut):
            yield from _not_a_cost(f"leave_one_out.{f.name}", getattr(self.leave_one_out, f.name))
        if not self.figures:
            yield "figures is empty"
        yield from self._other_errors()
        for i, figure in enumerate(self.figures):
            yield from _figure_problems(f"figures[{i}]", figure)

    def _other_errors(self) -> Iterator[str]:
        """Errors stated that are not those of the figures."""
        errors = [abs(figure.left_out_error) for figure in self.figures] or [0.0]
        for name, true in (("mean", sum(errors) / len(errors)), ("max", max(errors))):
            if not math.isclose(getattr(self.leave_one_out, name), true, abs_tol=0.001):
                yield f"leave_one_out.{name} is not that of the figures, {true:.3f}"


def widths(spec: TrackerSpec) -> tuple[int, ...]:
    """Of its tokens: one, or one for each stage of a LeViT."""
    return tuple(stage.dim for stage in spec.stages) or (spec.dim,)


def _not_a_cost(place: str, value: float) -> Iterator[str]:
    if not math.isfinite(value) or value < 0:
        yield f"{place} must be a number ≥ 0 but is {value}"


def _figure_problems(place: str, figure: PublishedSpeed) -> Iterator[str]:
    if figure.tracker not in TRACKERS:
        yield f"{place}.tracker {figure.tracker!r} is no named tracker"
    if not math.isfinite(figure.fps) or figure.fps <= 0:
        yield f"{place}.fps must be a positive number but is {figure.fps}"
    if not 0 <= figure.skipped <= 1:
        yield f"{place}.skipped must be from 0 to 1 but is {figure.skipped}"
    for name in ("fit_error", "left_out_error"):
        value = getattr(figure, name)
        if not math.isfinite(value) or value <= -1:
            yield f"{place}.{name} must be a number > -1 but is {value}"
