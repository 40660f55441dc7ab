"""Which published tracker reaches a plan's speed on its device, and whether the plan is expected to beat it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from compress.archive import SHARE, Archive, Record, csv_text
from compress.prior import DEFAULT_METRIC, TimedTracker, reaching, timed_on, timed_on_related


@dataclass(frozen=True)
class Comparison:
    """What is published for a plan's device and speed, beside the most accurate variant of the plan.

    Attributes:
        metric: Of all accuracies here.
        device: Of the plan, by the first of the names that `Latency.device` may hold.
        runtime: Of the plan, as in `Latency`.
        fps: That the plan has to keep; 0 where it has no bound.
        timed: Every speed published on the device.
        reach: The trackers that reach `fps` there, the most accurate first.
        related: As `reach`, on other devices of the name or family.
        best: The most accurate variant that keeps the bound by estimate; None where none does, or where only
            shares of the teacher's accuracy are estimated.
    """

    metric: str
    device: str
    runtime: str
    fps: float
    timed: list[TimedTracker]
    reach: list[TimedTracker]
    related: list[TimedTracker]
    best: Record | None

    @property
    def difference(self) -> float | None:
        """Expected accuracy of the plan's best less the published one; None where there is nothing to compare."""
        own = self.best and self.best.prior
        return own.mean - self.reach[0].accuracy.value if own and self.reach else None

    @property
    def outside_interval(self) -> bool:
        """Whether the published accuracy lies outside the interval of the plan's best."""
        own = self.best and self.best.prior
        return bool(own and self.reach and not own.low <= self.reach[0].accuracy.value <= own.high)


def published_comparison(archive: Archive) -> Comparison | None:
    """Of a plan; None for every other run, and where the teacher's latency is not known."""
    latency, limit = archive.teacher.latency, archive.constraint.max_ms
    if archive.plan is None or latency is None:
        return None
    prior = archive.teacher.prior
    metric = prior.metric if prior and prior.metric != SHARE else DEFAULT_METRIC
    fps = 1000 / limit if limit else 0.0
    timed = timed_on(latency.device, metric)
    target = str(archive.settings.get("target", "")).split(":")[0]
    related = timed_on_related(latency.device, metric, target)
    comparable = prior is not None and prior.metric == metric
    front = archive.front(archive.fidelity) if comparable else []
    return Comparison(
        metric,
        latency.device.split(",")[0],
        latency.runtime,
        fps,
        timed,
        reaching(timed, fps, latency.runtime),
        reaching(related, fps, latency.runtime),
        max(front, key=lambda record: record.ao or 0.0, default=None),
    )


def comparison_answer(found: Comparison) -> dict[str, Any]:
    """The comparison in JSON's types."""
    return {
        "metric": found.metric,
        "device": found.device,
        "fps": found.fps or None,
        "reach": [_answer(each) for each in found.reach],
        "related": [_answer(each) for each in found.related],
        "plan": found.best and _expected(found.best),
        "difference": found.difference,
        "outside_interval": found.outside_interval,
    }


def published_csv(archive: Archive) -> str | None:
    """What is published on the plan's device, then what reaches its speed on related ones; None where nothing is."""
    found = published_comparison(archive)
    if found is None or not (found.timed or found.related):
        return None
    rows = [
        {
            "tracker": each.tracker.tracker,
            "metric": each.accuracy.metric,
            "accuracy": each.accuracy.value,
            "fps": each.speed.fps,
            "device": each.speed.device,
            "same_device": each in found.timed,
            "reaches_bound": each.speed.fps >= found.fps * (1 - 1e-9),
            "runtime": each.speed.runtime or None,
            "precision": each.speed.precision or None,
            "timed": each.speed.scope,
            "speed_source": each.speed.source,
            "accuracy_source": each.accuracy.source,
            "note": "; ".join(each.notes),
        }
        for each in (*found.timed, *found.related)
    ]
    return csv_text(rows)


def _answer(point: TimedTracker) -> dict[str, Any]:
    tracker, speed = point.tracker, point.speed
    return {
        "tracker": tracker.tracker,
        "accuracies": {name: each.value for name, each in tracker.accuracies.items()},
        "accuracy_source": point.accuracy.source,
        "fps": speed.fps,
        "device": speed.device,
        "runtime": speed.runtime or None,
        "precision": speed.precision or None,
        "timed": speed.scope,
        "speed_source": speed.source,
        "notes": list(point.notes),
    }


def _expected(best: Record) -> dict[str, Any]:
    own = best.prior
    return {
        "variant": best.variant,
        "fidelity": best.fidelity,
        "expected": own and own.mean,
        "low": own and own.low,
        "high": own and own.high,
        "latency_provenance": best.latency and best.latency.provenance,
    }
