"""Measuring a profile: time stacks and held-out trackers in shuffled rounds, read the parts off, fit the scale."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from compress.core import CompressError, TrackerSpec, UsageError
from compress.measure.corners import Corners
from compress.measure.effort import Effort, effort_of
from compress.measure.graph import FrameCall, LoopCall
from compress.measure.held_out import held_out
from compress.measure.host import host, runtime_name
from compress.measure.rounds import Report, Times, disagreement, low, settled_rounds, silent
from compress.measure.stacks import stacks_of
from compress.profiles import Family, Held, Profile, Ratios, network_low_ms, static

ROUNDS = 12


def build_profile(
    teacher: TrackerSpec, corners: Corners, *, threads: int = 1, rounds: int = ROUNDS, report: Report | None = None
) -> Profile:
    """Measure a profile, keeping nothing. Arguments and errors as `cpu_profile`."""
    if threads < 1 or rounds < 2:
        raise UsageError(f"threads must be at least 1 and rounds at least 2 but are {threads} and {rounds}.")
    teacher = static(teacher)
    effort = effort_of(teacher)
    stacks = stacks_of(teacher, corners, effort.depths, sparing=effort.sparing)
    held = held_out(teacher, corners)
    timed = _time(
        list(dict.fromkeys(stacks.trackers())),
        list(held.values()),
        effort=effort,
        threads=threads,
        rounds=rounds,
        report=report or silent,
    )
    loop_ms = float(low(timed.loop)[0])
    parts = stacks.parts(lambda spec: timed.parts[spec] - loop_ms)
    raw = Profile(
        target="cpu",
        device=str(host()),
        runtime=runtime_name(),
        threads=threads,
        family=Family.of(teacher),
        fixed=parts.fixed,
        blocks=parts.blocks,
        elimination_ms=parts.elimination_ms,
        loop_ms=loop_ms,
        ratios=_ratios(timed.whole),
        runs=timed.whole[0].size,
        warmup=timed.whole.shape[1] * effort.dropped,
        spread=timed.spread,
    )
    if problems := list(raw.problems()):
        raise CompressError(
            f"This machine is too noisy to tell the parts of a tracker apart: {'; '.join(problems[:3])}. Stop what "
            "else runs on it and try again."
        )
    return _scaled(raw, held, low(timed.whole).tolist())


@dataclass(frozen=True)
class _Timed:
    """Low times of the stacks; all times of the held-out whole trackers and of the empty loop.

    Stacks are timed within the loop too: after a crop a network finds its caches colder than after itself.
    """

    parts: dict[TrackerSpec, float]
    whole: Times
    loop: Times
    spread: float


def _time(
    specs: list[TrackerSpec],
    held: list[TrackerSpec],
    *,
    effort: Effort,
    threads: int,
    rounds: int,
    report: Report,
) -> _Timed:
    batches = [*_by_attention(specs), []] if effort.sparing else [specs]
    low_ms: dict[TrackerSpec, float] = {}
    spread = 0.0
    for i, batch in enumerate(batches):
        whole = held if i == len(batches) - 1 else []
        share = _part(report, i, len(batches))
        times = _batch_times([*batch, *whole], effort=effort, threads=threads, rounds=rounds, report=share)
        low_ms |= dict(zip(batch, low(times).tolist(), strict=False))
        spread = max(spread, float(disagreement(times[:-1]).max()))
    return _Timed(parts=low_ms, whole=times[-len(held) - 1 : -1], loop=times[-1:], spread=spread)


def _batch_times(specs: list[TrackerSpec], *, effort: Effort, threads: int, rounds: int, report: Report) -> Times:
    """Times of whole frames of each spec, then of the empty loop; the networks are gone when this returns."""
    calls: list[Callable[[], None]] = [LoopCall(n.spec, n) for n in _export(specs, threads, report)]
    calls.append(LoopCall(specs[0], None))
    return settled_rounds(
        calls,
        rounds=rounds,
        dropped=effort.dropped,
        timed=effort.timed,
        report=lambda done: report("measuring the profile", done),
    )


def _export(specs: list[TrackerSpec], threads: int, report: Report) -> list[FrameCall]:
    calls = []
    for i, spec in enumerate(specs):
        report("exporting networks", i / len(specs))
        calls.append(FrameCall(spec, threads=threads))
    return calls


def _by_attention(specs: list[TrackerSpec]) -> list[list[TrackerSpec]]:
    """One list per attention of the whole tracker: what is told apart stays together."""
    groups: dict[str, list[TrackerSpec]] = {}
    for spec in specs:
        groups.setdefault(spec.attention, []).append(spec)
    return list(groups.values())


def _part(report: Report, i: int, count: int) -> Report:
    return lambda what, share: report(f"{what} ({i + 1} of {count})" if count > 1 else what, share)


def _ratios(whole: Times) -> Ratios:
    """Each tracker's runs over its own 10th percentile, pooled: one tracker alone has too few for a p99."""
    relative = whole / low(whole)[:, None, None]
    p50, p90, p99 = np.percentile(relative, (50, 90, 99)).tolist()
    return Ratios(mean=float(relative.mean()), p50=p50, p90=p90, p99=p99)


def _scaled(raw: Profile, held: dict[str, TrackerSpec], measured: list[float]) -> Profile:
    """`raw` with the scale that fits the held-out trackers, each also predicted with the scale of the others."""
    network = [network_low_ms(raw, spec) for spec in held.values()]
    target = [ms - raw.loop_ms for ms in measured]
    pairs = list(zip(network, target, strict=True))
    rows = []
    for i, (name, ms) in enumerate(zip(held, measured, strict=True)):
        scale = _fit(pairs[:i] + pairs[i + 1 :])
        rows.append(Held(spec=name, predicted_ms=network[i] * scale + raw.loop_ms, measured_ms=ms))
    return replace(raw, scale=_fit(pairs), held=tuple(rows))


def _fit(pairs: list[tuple[float, float]]) -> float:
    """The factor on the predictions with the least squared relative error."""
    ratios = [predicted / measured for predicted, measured in pairs]
    return sum(ratios) / sum(r * r for r in ratios)
