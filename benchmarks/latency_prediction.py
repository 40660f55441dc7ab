"""Predicted against measured latency of random students of a teacher on this host's CPU.

    python benchmarks/latency_prediction.py --specs 40 --out latency_prediction.csv
    python benchmarks/latency_prediction.py --teacher ostrack256-ce --specs 12 --runs 20
    python benchmarks/latency_prediction.py --teacher hit-tiny --space hit

Half of the students come from a search space, half have arbitrary widths in every layer. All are timed whole in one
shuffled run, twice: how well the two agree is the ceiling for any prediction. The floor is multiply-accumulates times
the one scale that suits these very students best. Compared is the 10th percentile, the statistic that predictions are
made of. The profile comes from the cache, or is measured first, so a machine that has since become faster or slower
shows as a bias; the speed-up over the teacher, timed in the same run, has none.
"""

from __future__ import annotations

import argparse
import csv
import itertools
import random
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np

from compress.core import Attention, LayerSpec, TrackerSpec, describe
from compress.core.cost import macs
from compress.core.files import replacing
from compress.measure import Corners, cpu_profile, time_whole
from compress.profiles import low_ms
from compress.spaces import Space, load_space


def random_specs(teacher: TrackerSpec, space: Space, count: int, seed: int) -> dict[str, TrackerSpec]:
    """Distinct students by id, arbitrary ones and the space's in turn."""
    rng = random.Random(seed)
    specs: dict[str, TrackerSpec] = {}
    for turn in itertools.count():
        spec = space.sample(teacher, rng) if turn % 2 else _arbitrary(teacher, rng)
        specs[spec.id] = spec
        if len(specs) == count:
            break
    return specs


def main() -> None:
    arguments = _arguments()
    teacher = describe(arguments.teacher)
    space = load_space(arguments.space)
    specs = random_specs(teacher, space, arguments.specs, arguments.seed)
    profile = cpu_profile(
        teacher,
        corners=Corners.of_space(teacher, space),
        threads=arguments.threads,
        refresh=arguments.refresh,
        report=_report,
    )
    timed = {"teacher": teacher, **specs}
    first = time_whole(timed, threads=arguments.threads, runs=arguments.runs, seed=1, report=_report)
    second = time_whole(timed, threads=arguments.threads, runs=arguments.runs, seed=2, report=_report)
    measured = np.array([first.low_ms(name) for name in specs])
    again = np.array([second.low_ms(name) for name in specs])
    predicted = np.array([low_ms(profile, spec) for spec in specs.values()])
    work = np.array([macs(spec).per_frame for spec in specs.values()])
    scale = np.median(measured / work)
    speedup = predicted / low_ms(profile, teacher) * first.low_ms("teacher")
    for name, values in (
        ("profile", predicted),
        ("speed-up", speedup),
        ("MACs × scale", work * scale),
        ("measured again", again),
    ):
        print(_summary(name, values / measured - 1))
    _write(arguments.out, specs, predicted, measured, again, work * scale)


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


def _summary(name: str, errors: np.ndarray) -> str:
    size = np.abs(errors)
    shares = f"within ±5% {np.mean(size <= 0.05):6.1%}  within ±10% {np.mean(size <= 0.1):6.1%}"
    return f"{name:15} {shares}  mean {size.mean():5.1%}  max {size.max():5.1%}  bias {errors.mean():+.1%}"


def _write(path: Path, specs: dict[str, TrackerSpec], *columns: np.ndarray) -> None:
    head = ["spec_id", "attention", "layers", "predicted_ms", "measured_ms", "again_ms", "macs_ms", "spec"]
    with replacing(path) as temporary, temporary.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(head)
        for (name, spec), values in zip(specs.items(), zip(*columns, strict=True), strict=True):
            figures = [f"{value:.5f}" for value in values]
            writer.writerow([name, spec.attention, len(spec.layers), *figures, spec.to_json()])


def _report(what: str, share: float) -> None:
    print(f"\r{what} {share:.0%}   ", end="" if share < 1 else "\n", file=sys.stderr, flush=True)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--teacher", default="ostrack-nano")
    parser.add_argument("--space", default="ostrack")
    parser.add_argument("--specs", type=int, default=40)
    parser.add_argument("--runs", type=int, default=60, help="timed runs of each student in each of two measurements")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--refresh", action="store_true", help="measure the profile again")
    parser.add_argument("--out", type=Path, default=Path("latency_prediction.csv"))
    return parser.parse_args()


if __name__ == "__main__":
    main()
