"""Predicted against measured latency of random students of a teacher on this host's CPU.

    python benchmarks/latency.py --specs 200 --csv results/latency-ostrack-nano.csv
    python benchmarks/latency.py --teacher ostrack256 --specs 12 --runs 20 --csv results/latency-ostrack256.csv
    python benchmarks/latency.py --teacher hit-tiny --space hit

A third of the students come from a search space, a third have arbitrary widths in every layer, and a third are those
with bypass and exits added, each of which is sent one way drawn at random; a teacher whose layers cannot be skipped has
none of these. All are timed whole in one shuffled run, every fourth in two sessions: how well the two agree is the
ceiling for any prediction. The floor is multiply-accumulates, and parameters, times the one scale that suits these very
students best. Compared is the 10th percentile, the statistic that predictions are made of. The profile comes from the
cache, or is measured first (--refresh), so a machine that has since become faster or slower shows as a bias; the
speed-up over the teacher, timed in the same run, has none.
"""

from __future__ import annotations

import argparse
import csv
import itertools
import random
import sys
from dataclasses import dataclass, replace
from pathlib import Path
from time import perf_counter

import numpy as np

from compress.core import Attention, BypassSpec, ExitSpec, LayerSpec, TrackerSpec, Way, describe
from compress.core.cost import macs, parameters
from compress.core.files import replacing
from compress.measure import Corners, WholeTimes, host, host_profile, runtime_name, time_whole
from compress.profiles import Profile, low_ms, way_ms, worst_way
from compress.spaces import Space, load_space


@dataclass(frozen=True)
class Case:
    """A student, and the way that all its frames go."""

    spec: TrackerSpec
    way: Way

    @property
    def macs(self) -> float:
        return macs(self.spec, skipped=self.way.skipped or (), exit=self.way.exit).per_frame


def random_cases(teacher: TrackerSpec, space: Space, count: int, seed: int) -> dict[str, Case]:
    """Distinct students by id: the space's, arbitrary ones, and adaptive ones in turn."""
    rng = random.Random(seed)
    makers = [lambda: space.sample(teacher, rng), lambda: _arbitrary(teacher, rng)]
    if teacher.backbone == "vit" and not any(layer.keep for layer in teacher.layers):
        makers.append(lambda: _adaptive(_arbitrary(teacher, rng), rng))
    cases: dict[str, Case] = {}
    for turn in itertools.count():
        spec = makers[turn % len(makers)]()
        cases.setdefault(spec.id, Case(spec, _way(spec, rng)))
        if len(cases) == count:
            break
    return cases


def main() -> None:
    arguments = _arguments()
    teacher = describe(arguments.teacher)
    space = load_space(arguments.space)
    cases = random_cases(teacher, space, arguments.specs, arguments.seed)
    begin = perf_counter()
    profile = host_profile(
        teacher,
        corners=Corners.of_space(teacher, space).union(Corners.of(teacher, (case.spec for case in cases.values()))),
        threads=arguments.threads,
        refresh=arguments.refresh,
        report=_report,
    )
    print(
        f"{host()}; {runtime_name()}, threads {arguments.threads}; profile ready after {perf_counter() - begin:.0f} s"
    )
    table = _table(teacher, profile, cases, _timed(teacher, cases, arguments))
    for name in ("predicted", "speedup", "macs", "params", "again"):
        for kind in ("static", "adaptive", "all"):
            chosen = [i for i, case in enumerate(cases.values()) if kind in ("all", _kind(case.spec))]
            errors = (table[name] / table["measured"] - 1)[chosen]
            known = errors[np.isfinite(errors)]
            if len(known):
                print(_summary(name, kind, known))
    if arguments.csv:
        _write(arguments.csv, cases, table)


def _timed(teacher: TrackerSpec, cases: dict[str, Case], arguments: argparse.Namespace) -> WholeTimes:
    """The teacher, every case by its name, and every fourth once more, in sessions of its own."""
    again = {name + _AGAIN: case for name, case in itertools.islice(cases.items(), 0, None, 4)}
    copies = {name: replace(case.spec) for name, case in again.items()}
    return time_whole(
        {"teacher": teacher} | {name: case.spec for name, case in cases.items()} | copies,
        ways={name: {case.way: 1} for name, case in (cases | again).items() if case.spec.adaptive},
        threads=arguments.threads,
        runs=arguments.runs,
        report=_report,
    )


def _table(teacher: TrackerSpec, profile: Profile, cases: dict[str, Case], times: WholeTimes) -> dict[str, np.ndarray]:
    """Milliseconds (specs,) by how they came about; NaN where there is none."""
    measured = np.array([times.low_ms(name) for name in cases])
    again = [times.low_ms(name + _AGAIN) if name + _AGAIN in times.names else np.nan for name in cases]
    begin = perf_counter()
    predicted = np.array([way_ms(profile, case.spec, case.way) for case in cases.values()])
    print(f"predicting 10,000 specs takes {(perf_counter() - begin) / len(cases) * 1e4:.2f} s")
    columns = {
        "measured": measured,
        "again": np.array(again),
        "predicted": predicted,
        "speedup": predicted / low_ms(profile, teacher) * times.low_ms("teacher"),
    }
    for name, size in (("macs", lambda case: case.macs), ("params", lambda case: float(parameters(case.spec)))):
        sizes = np.array([size(case) for case in cases.values()])
        columns[name] = sizes * np.median(measured / sizes)
    return columns


_AGAIN = " again"


def _kind(spec: TrackerSpec) -> str:
    return "adaptive" if spec.adaptive else "static"


def _adaptive(spec: TrackerSpec, rng: random.Random) -> TrackerSpec:
    """With bypass, exits, or both."""
    depth, kinds = len(spec.layers), rng.choice(["bypass", "exits", "both"])
    first = sum(layer.attention == "FE" for layer in spec.layers) + 1
    places = sorted(rng.sample(range(first, depth), min(rng.randint(1, 2), depth - first))) if first < depth else []
    if kinds != "bypass" and places:
        exits = tuple(ExitSpec(after, adapter=rng.randint(0, 2)) for after in places)
        spec = replace(spec, exits=(*exits, ExitSpec(depth)), recycling=rng.choice(["none", "a", "b", "c", "d"]))
    if kinds != "exits" or not places:
        spec = replace(spec, bypass=BypassSpec(n_enf=rng.randint(0, depth - 1)))
    return spec


def _way(spec: TrackerSpec, rng: random.Random) -> Way:
    if not spec.adaptive:
        return worst_way(spec)
    way = Way(frozenset(), rng.randrange(len(spec.exits)) if spec.exits else None)
    share = rng.random()
    return replace(way, skipped=frozenset(i for i in spec.skippable if i < way.end(spec) and rng.random() < share))


def _arbitrary(teacher: TrackerSpec, rng: random.Random) -> TrackerSpec:
    """Every layer its own widths; none of them on a grid, beyond what heads demand."""
    if teacher.backbone == "levit":
        return replace(teacher, layers=tuple(_thinner(teacher, layer, rng) for layer in _some(teacher, rng)))
    depth = rng.randint(2, len(teacher.layers))
    interacting = rng.choice([0, rng.randint(1, depth)])
    own: Attention = "AI" if teacher.attention == "split" else teacher.attention
    kinds: list[Attention] = [own] * depth if not interacting else ["FE"] * (depth - interacting)
    kinds += ["AI"] * interacting
    return replace(teacher, layers=tuple(_layer(teacher, i, kind, rng) for i, kind in enumerate(kinds)))


def _some(teacher: TrackerSpec, rng: random.Random) -> list[LayerSpec]:
    """Layers of the teacher, at least one."""
    kept = [layer for layer in teacher.layers if rng.random() < 0.6]
    return kept or [rng.choice(teacher.layers)]


def _thinner(teacher: TrackerSpec, layer: LayerSpec, rng: random.Random) -> LayerSpec:
    return replace(layer, mlp_hidden=rng.randint(teacher.stages[layer.stage].dim // 2, layer.mlp_hidden))


def _layer(teacher: TrackerSpec, source: int, kind: Attention, rng: random.Random) -> LayerSpec:
    dim, heads = teacher.dim, teacher.heads
    reduced = rng.random() < 0.5
    return LayerSpec(
        source=source,
        attention=kind,
        mlp_hidden=rng.randint(dim // 2, teacher.layers[0].mlp_hidden),
        attn_dims=rng.randrange(dim // 2, dim, heads) if reduced else None,
        mlp_dims=rng.randrange(dim // 2, dim, heads) if reduced else None,
        keep=teacher.layers[source].keep if kind == "joint" else None,
    )


def _summary(name: str, kind: str, errors: np.ndarray) -> str:
    size = np.abs(errors)
    shares = f"within ±5% {np.mean(size <= 0.05):6.1%}  ±10% {np.mean(size <= 0.1):6.1%}"
    spread = f"mean {size.mean():5.1%}  max {size.max():5.1%}  bias {errors.mean():+.1%}"
    return f"{_NAMES[name]:24} {kind:9}{len(errors):4}  {shares}  {spread}"


_NAMES = {
    "predicted": "profile",
    "speedup": "profile, over teacher",
    "macs": "MACs × fitted scale",
    "params": "parameters × fitted scale",
    "again": "measured again",
}


def _write(path: Path, cases: dict[str, Case], table: dict[str, np.ndarray]) -> None:
    head = ["spec_id", "kind", "attention", "layers", "skipped", "exit", *(f"{name}_ms" for name in table)]
    head += ["device", "runtime", "spec"]
    with replacing(path) as temporary, temporary.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(head)
        for i, (name, case) in enumerate(cases.items()):
            spec, way = case.spec, case.way
            skipped = " ".join(map(str, sorted(way.skipped or ())))
            about = [name, _kind(spec), spec.attention, len(spec.layers), skipped, "" if way.exit is None else way.exit]
            figures = [f"{column[i]:.5f}" if np.isfinite(column[i]) else "" for column in table.values()]
            writer.writerow([*about, *figures, host(), runtime_name(), spec.to_json()])


def _report(what: str, share: float) -> None:
    print(f"\r{what} {share:.0%}   ", end="" if share < 1 else "\n", file=sys.stderr, flush=True)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--teacher", default="ostrack-nano")
    parser.add_argument("--space", default="ostrack")
    parser.add_argument("--specs", type=int, default=200)
    parser.add_argument("--runs", type=int, default=60, help="timed runs of each student")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--refresh", action="store_true", help="measure the profile again")
    parser.add_argument("--csv", type=Path, help="where to write every student's figures")
    return parser.parse_args()


if __name__ == "__main__":
    main()
