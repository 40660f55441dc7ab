"""Latencies of the two trackers of a cascade on the target of a run, and of both as one."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

from compress.archive import Record
from compress.core import ExecutionPath, Latency
from compress.core.progress import Progress, no_progress
from compress.driver.cascades.choosing import TimedTogether
from compress.driver.remeasure import measured_together
from compress.measure import CascadePair, Coverage, Target, Timed
from compress.models import Tracker

_PAUSES_S = (5.0,)
"""One wait for a busy machine to become quiet."""


class MemberTracker(NamedTuple):
    """A tracker of a cascade; `record` is what its run knows of it, None where it is no variant of a run."""

    model: Tracker
    record: Record | None


def member_latencies(
    fast: MemberTracker,
    accurate: MemberTracker,
    target: Target,
    *,
    threads: int,
    progress: Progress = no_progress,
) -> tuple[Latency, Latency]:
    """Measured where the run has both measured, else timed together where the target is at hand, else predicted.

    Raises:
        UsageError, CompressError: as `Target.measure` and `Target.latency_model`.
    """
    records = (fast.record, accurate.record)
    known = [record.measured for record in records if record is not None and record.measured is not None]
    if len(known) == 2:
        return known[0], known[1]
    if target.timer is not None:
        networks = {"fast": fast.model, "accurate": accurate.model}
        found = measured_together(target, networks, paths={}, threads=threads, progress=progress, pauses_s=_PAUSES_S)
        return found["fast"], found["accurate"]
    return _predicted(fast, target, threads, progress), _predicted(accurate, target, threads, progress)


def cascade_timer(
    fast: Tracker, accurate: Tracker, target: Target, *, threads: int, progress: Progress = no_progress
) -> Callable[[Mapping[ExecutionPath, int]], TimedTogether] | None:
    """What times both as one over execution paths, beside each alone.

    None where the target is not at hand, or with several threads.
    """
    if target.timer is None or threads > 1:
        return None
    pair = CascadePair(fast, accurate)

    def measure(paths: Mapping[ExecutionPath, int]) -> TimedTogether:
        networks: dict[str, Timed] = {"fast": fast, "accurate": accurate, "both": pair}
        found = measured_together(
            target, networks, paths={"both": paths}, threads=threads, progress=progress, pauses_s=_PAUSES_S
        )
        return TimedTogether(found["fast"], found["accurate"], found["both"])

    return measure


def _predicted(member: MemberTracker, target: Target, threads: int, progress: Progress) -> Latency:
    if member.record is not None and member.record.latency is not None:
        return member.record.latency
    spec = member.model.spec
    model = target.latency_model(spec, coverage=Coverage.of(spec, [spec]), threads=threads, progress=progress)
    return model.predict(spec)
