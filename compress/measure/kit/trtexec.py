"""What a kit asks `trtexec` to run, and what its times say."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from compress.core.plain import from_plain, to_plain
from compress.latency import Conditions

FORMAT = "compress-results-tensorrt"


def visits(kit: Mapping[str, Any]) -> Iterator[str]:
    """Batch, round, call and graph of each visit, in the order that they are made.

    Args:
        kit: What is in kit.json.
    """
    rng = np.random.default_rng(kit["schedule"]["seed"])
    for batch, calls in enumerate(kit["batches"]):
        for i in range(kit["schedule"]["rounds"]):
            for call in rng.permutation(len(calls)):
                yield f"{batch} {i} {call} {kit['trackers'][calls[call]['tracker']]['graph']}"


@dataclass(frozen=True)
class _Visit:
    batch: int
    round: int
    call: int
    times: tuple[float, ...]


@dataclass(frozen=True)
class _Host:
    device: str
    conditions: Conditions
    loop: tuple[tuple[float, ...], ...]

    def problems(self) -> Iterator[str]:
        if not self.loop or not self.loop[0] or len({len(times) for times in self.loop}) > 1:
            yield "loop must hold the same number of times for every round"


@dataclass(frozen=True)
class _Measured:
    """What measure.sh adds to the head of its results: the host's loop alone, and every visit to a network."""

    host: _Host
    visits: tuple[_Visit, ...]

    def problems(self) -> Iterator[str]:
        if not self.visits:
            yield "visits is empty"
            return
        rounds, timed = len(self.host.loop), len(self.host.loop[0])
        # Only in this order can they be laid out; an index of its own could ask for any amount of memory.
        places = sorted((each.batch, each.call, each.round) for each in self.visits)
        last = (-1, -1, rounds - 1)
        for place in places:
            if place not in _next(last, rounds):
                yield "visits must be one to every network in every round"
                return
            last = place
        if last[2] != rounds - 1 or any(len(each.times) < timed for each in self.visits):
            yield f"visits must hold {timed} times of every round"


def _next(last: tuple[int, int, int], rounds: int) -> list[tuple[int, int, int]]:
    """What may follow a visit (batch, call, round): the next round, or after the last one the next call or batch."""
    batch, call, i = last
    if i + 1 < rounds:
        return [(batch, call, i + 1)]
    return [(batch, call + 1, 0), (batch + 1, 0, 0)] if batch >= 0 else [(0, 0, 0)]


def as_results(body: dict[str, Any]) -> dict[str, Any]:
    """What measure.sh wrote, in the form of what measure.pyz writes.

    A frame is what trtexec calls latency (copies in, computing, copies out) and the loop's own time.

    Raises:
        UsageError: it is not what measure.sh writes.
    """
    parts = {name: body.pop(name) for name in ("host", "visits") if name in body}
    if isinstance(parts.get("visits"), list):
        parts["visits"] = [_with_latencies(visit) for visit in parts["visits"]]
    found = from_plain(_Measured, parts, "results")
    loop, timed = np.array(found.host.loop), len(found.host.loop[0])
    alone = float(np.percentile(loop, 10))
    batches: list[list[list[list[float]]]] = []
    for visit in sorted(found.visits, key=lambda each: (each.batch, each.call, each.round)):
        if visit.batch == len(batches):
            batches.append([])
        if visit.round == 0:
            batches[-1].append([])
        batches[-1][-1].append([ms + alone for ms in visit.times[-timed:]])
    more = {"format": "compress-results", "threads": 1, "device": found.host.device}
    conditions = to_plain(found.host.conditions)
    return body | more | {"conditions": conditions, "batches": [[*batch, loop.tolist()] for batch in batches]}


def _with_latencies(visit: Any) -> Any:
    """A visit whose times are trtexec's latencies alone; what is something else is left as it is, and refused later."""
    if not isinstance(visit, dict) or not isinstance(visit.get("times"), list):
        return visit
    return visit | {"times": [run.get("latencyMs") if isinstance(run, dict) else run for run in visit["times"]]}
