"""Which published trackers were timed on a device, and which of them reach a speed there."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from compress.prior.published_points import PublishedAccuracy, PublishedTracker, Speed, published

_ADDED = re.compile(r"\b(nvidia|geforce|engineering reference|developer kit|model b|rev [\d.]+)\b", re.IGNORECASE)
"""Words that boards report in their names, and papers leave out."""


@dataclass(frozen=True)
class TimedTracker:
    """A published tracker with an accuracy of one metric and one of its speeds."""

    tracker: PublishedTracker
    accuracy: PublishedAccuracy
    speed: Speed

    @property
    def notes(self) -> tuple[str, ...]:
        """What is to be known of the speed, then of the accuracy."""
        return tuple(note for note in (self.speed.note, self.accuracy.note) if note)


def timed_on(device: str, metric: str) -> list[TimedTracker]:
    """Every speed published on `device`, of trackers with an accuracy of `metric`, in the order of the tables.

    Args:
        device: As in `Latency`: a board's, a GPU's and a CPU's name, whichever are known, with commas between them.
    """
    return [each for each in _timed(metric) if _is_same(device, each.speed.device)]


def timed_on_related(device: str, metric: str, target: str = "") -> list[TimedTracker]:
    """Speeds published on devices that go by the name `target` or belong to the family of `device`, but are not it.

    They tell nothing certain about `device`: a Jetson Orin Nano is no Jetson Orin NX.
    """
    return [
        each
        for each in _timed(metric)
        if not _is_same(device, each.speed.device)
        and ((target and each.speed.target == target) or _is_family(device, each.speed.device))
    ]


def reaching(timed: Sequence[TimedTracker], fps: float, runtime: str) -> list[TimedTracker]:
    """Each tracker that reaches `fps`, the most accurate first, the faster first of equals.

    A tracker is judged by its speeds under `runtime` where there are any, else by all; by those of whole loops
    before others; then by the fastest.
    """
    best: dict[str, TimedTracker] = {}
    for each in timed:
        other = best.setdefault(each.tracker.tracker, each)
        best[each.tracker.tracker] = max(other, each, key=lambda one: _preference(one.speed, runtime))
    found = (each for each in best.values() if each.speed.fps >= fps * (1 - 1e-9))
    return sorted(found, key=lambda each: (-each.accuracy.value, -each.speed.fps))


def _preference(speed: Speed, runtime: str) -> tuple[bool, bool, float]:
    return bool(speed.runtime) and runtime.startswith(speed.runtime), speed.scope == "loop", speed.fps


def _timed(metric: str) -> Iterator[TimedTracker]:
    for tracker in published():
        if metric in tracker.accuracies:
            for speed in tracker.speeds:
                yield TimedTracker(tracker, tracker.accuracies[metric], speed)


def _is_same(device: str, published_device: str) -> bool:
    return published_device.casefold() in _names(device)


def _is_family(device: str, published_device: str) -> bool:
    """Whether both names begin with the same two words, such as `Jetson Orin`."""
    family = published_device.casefold().split()[:2]
    return any(name.split()[:2] == family for name in _names(device))


def _names(device: str) -> list[str]:
    return [" ".join(_ADDED.sub(" ", part).split()).casefold() for part in device.split(",")]
