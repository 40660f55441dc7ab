"""Predicted against measured latency of random students of a teacher on this host's CPU, all from one run.

    python benchmarks/latency.py --specs 200 --csv results/latency-ostrack-nano.csv
    python benchmarks/latency.py --teacher ostrack256 --specs 12 --csv results/latency-ostrack256.csv
    python benchmarks/latency.py --teacher hit-tiny --space hit

A third of the students come from a search space, a third have arbitrary widths in every layer, and a third are those
with bypass and exits added, each of which takes one path drawn at random; a teacher whose layers cannot be skipped has
none of these. The students and the stacks that a profile is read off are timed in one shuffled run, so that a machine
which becomes faster or slower does so for both; no student is fitted to. Every fourth is timed in two sessions: how
well the two agree is the ceiling for any prediction. The floor is multiply-accumulates, and parameters, times the one
scale that suits these very students best. Compared is the 10th percentile, the statistic that predictions are made of.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import chain
from pathlib import Path
from time import perf_counter

import numpy as np
from csv_files import write_table
from random_students import Case, random_cases

from compress.core import TrackerSpec, describe
from compress.core.cost import parameters
from compress.latency import Profile, path_ms
from compress.measure import Coverage, host, runtime_name
from compress.measure.backends import CPU, host_backend
from compress.measure.calibration.profile_fit import MeasuredOn, fit_profile
from compress.measure.calibration.routing_overhead import RoutingOverheadPlan, fit_routing_overhead
from compress.measure.profiling import ROUNDS
from compress.measure.stacks.timing_plan import TimingPlan
from compress.measure.timed_frame import TimedFrame
from compress.measure.timed_trackers import Call, timed_frames
from compress.measure.timing import drift, low, settled_rounds, spread
from compress.spaces import load_space


def main() -> None:
    arguments = _arguments()
    teacher = describe(arguments.teacher)
    space = load_space(arguments.space)
    cases = random_cases(teacher, space, arguments.specs, arguments.seed)
    coverage = Coverage.of_space(teacher, space).union(Coverage.of(teacher, (case.spec for case in cases.values())))
    batches = [[case.call for case in cases.values()], [case.call for case in list(cases.values())[::4]]]
    begin = perf_counter()
    profile, (measured, again) = one_run(teacher, coverage, batches, rounds=arguments.rounds, threads=arguments.threads)
    print(f"{host()}; {runtime_name()}, threads {arguments.threads}; {perf_counter() - begin:.0f} s")
    table = _table(profile, cases, measured, again)
    for name in ("predicted", "macs", "params", "again"):
        for kind in ("static", "adaptive", "all"):
            chosen = [i for i, case in enumerate(cases.values()) if kind in ("all", case.kind)]
            errors = (table[name] / measured - 1)[chosen]
            known = errors[np.isfinite(errors)]
            if len(known):
                print(_summary(name, kind, known))
    if arguments.csv:
        _write(arguments.csv, cases, table)


def one_run(
    teacher: TrackerSpec, coverage: Coverage, batches: Sequence[Sequence[Call]], *, rounds: int, threads: int
) -> tuple[Profile, list[np.ndarray]]:
    """A profile, and the 10th percentile of every call in ms, batch by batch, from one shuffled run.

    A tracker has sessions of its own in each batch.
    """
    plan, backend = TimingPlan.of(teacher, coverage), host_backend(CPU)
    routing_overhead = RoutingOverheadPlan.of(teacher, coverage) if coverage.decides else None
    static: list[list[Call]] = [[(spec, None) for spec in batch] for batch in plan.batches]
    every = [*static, *([routing_overhead.calls] if routing_overhead else []), *batches]
    loops = chain.from_iterable(timed_frames(batch, backend, threads, _progress) for batch in every)
    times = settled_rounds(
        [*loops, TimedFrame.of(teacher)],
        rounds=rounds,
        dropped=plan.budget.dropped,
        timed=plan.budget.timed,
        progress=_progress,
    )
    print(f"{len(times)} networks, halves of the rounds {spread(times):.1%} apart, drift {drift(times):+.1%}")
    *parts, loop = np.split(times, np.cumsum([len(batch) for batch in every]))
    stacks = [np.concatenate([each, loop]) for each in parts[: len(static)]]
    profile = fit_profile(plan, stacks, MeasuredOn(CPU, backend.device, backend.version, threads))
    if routing_overhead:
        profile = replace(profile, routing_overhead=fit_routing_overhead(profile, routing_overhead, parts[len(static)]))
    return profile, [low(each) for each in parts[-len(batches) :]]


def _table(profile: Profile, cases: dict[str, Case], measured: np.ndarray, again: np.ndarray) -> dict[str, np.ndarray]:
    """Milliseconds (specs,) by how they came about; NaN where there is none."""
    begin = perf_counter()
    predicted = np.array([path_ms(profile, case.spec, case.path) for case in cases.values()])
    print(f"predicting 10,000 specs takes {(perf_counter() - begin) / len(cases) * 1e4:.2f} s")
    columns = {"measured": measured, "again": np.full(len(cases), np.nan), "predicted": predicted}
    columns["again"][::4] = again
    for name, size in (("macs", lambda case: case.macs), ("params", lambda case: float(parameters(case.spec)))):
        sizes = np.array([size(case) for case in cases.values()])
        columns[name] = sizes * np.median(measured / sizes)
    return columns


def _summary(name: str, kind: str, errors: np.ndarray) -> str:
    size = np.abs(errors)
    shares = f"within ±5% {np.mean(size <= 0.05):6.1%}  ±10% {np.mean(size <= 0.1):6.1%}"
    spread = f"mean {size.mean():5.1%}  max {size.max():5.1%}  bias {errors.mean():+.1%}"
    return f"{_NAMES[name]:24} {kind:9}{len(errors):4}  {shares}  {spread}"


_NAMES = {
    "predicted": "profile",
    "macs": "MACs × fitted scale",
    "params": "parameters × fitted scale",
    "again": "measured again",
}


def _write(path: Path, cases: dict[str, Case], table: dict[str, np.ndarray]) -> None:
    head = ["spec_id", "kind", "attention", "layers", "skipped", "exit", *(f"{name}_ms" for name in table)]
    head += ["device", "runtime", "spec"]
    rows = list[list[object]]()
    for i, (name, case) in enumerate(cases.items()):
        spec, taken = case.spec, case.path
        skipped = " ".join(map(str, sorted(taken.skipped or ())))
        last = "" if taken.exit is None else taken.exit
        about = [name, case.kind, spec.attention, len(spec.layers), skipped, last]
        figures = [f"{column[i]:.5f}" if np.isfinite(column[i]) else "" for column in table.values()]
        rows.append([*about, *figures, host(), runtime_name(), spec.to_json()])
    write_table(path, head, rows)


def _progress(text: str, share: float, figures: Mapping[str, float] | None = None) -> None:
    print(f"\r{text} {share:.0%}   ", end="" if share < 1 else "\n", file=sys.stderr, flush=True)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--teacher", default="ostrack-nano")
    parser.add_argument("--space", default="ostrack")
    parser.add_argument("--specs", type=int, default=200)
    parser.add_argument("--rounds", type=int, default=ROUNDS, help="visits to each network")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--csv", type=Path, help="where to write every student's figures")
    return parser.parse_args()


if __name__ == "__main__":
    main()
