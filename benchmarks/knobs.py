"""The best student of each knob alone and of all jointly, at equal bounds, candidates and distillation steps.

    python benchmarks/knobs.py --threads 1

For each bound an arm has up to `--scored` candidates, which keep it by the measured profile and are scored with
inherited weights, and trains the best two of them. A knob alone offers its students that are slowest within the bound;
jointly the default sampler draws them. A line is appended once an arm is done with a bound, and the same command goes
on from there; an arm that cannot reach the bound has a line with the most it reaches. `knobs_front.py` chooses from
these lines, scores the chosen ones on other sequences and times them.
"""

from __future__ import annotations

import argparse
import csv
import io
import json
import os
import warnings
from collections.abc import Iterable, Iterator
from dataclasses import replace
from math import isnan
from pathlib import Path
from time import perf_counter

import optuna
import torch
from csv_files import write_table
from knobs_arms import JOINT, STATIC, Bound, Chosen, beside_depth, listed, rungs, searched, spaces
from table import about, read

from compress.core import TrackerSpec
from compress.core.cost import macs
from compress.data import DataReference, open_source
from compress.driver.jobs import TrainingSetup
from compress.driver.scores import Score
from compress.driver.students import Students
from compress.driver.teacher import keep_teacher
from compress.driver.worker import loaded
from compress.latency import LatencyModel
from compress.measure import Coverage, resolve_target
from compress.models import Tracker, load_tracker
from compress.spaces import Space

COLUMNS = (
    *("arm", "bound", "spec_id", "predicted_ms", "speedup", "macs", "scored"),
    *("ao_inherited", "steps", "ao", "ao_se", "train_s", "spec"),
)
TRAINED = 2
"""Students that each arm trains for each bound."""


def main() -> None:
    arguments = parsed()
    torch.set_num_threads(arguments.threads)
    warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
    teacher, arms = load_tracker(arguments.teacher), spaces()
    model = latency_model(teacher.spec, arguments)
    _begin(arguments.out)
    with loaded(setup_of(arguments, teacher)) as students:
        for name in arguments.arms or arms:
            for speedup in sorted(arguments.bounds, reverse=True):
                rows = read(arguments.out)
                if any(row["arm"] == name and float(row["bound"]) == speedup for row in rows):
                    continue
                bound, begin = Bound(speedup, model, teacher.spec), perf_counter()
                lines = list(_lines(arms[name], bound, students, arguments))
                _append(arguments.out, lines)
                for line in lines:
                    print(*line[:-1], f"{perf_counter() - begin:.0f} s", flush=True)


def latency_model(teacher: TrackerSpec, arguments: argparse.Namespace) -> LatencyModel:
    """Of this host, measured the first time, for all students of all arms."""
    target, coverage = resolve_target(arguments.target, teacher), Coverage.of_space(teacher, spaces()[JOINT])
    return target.latency_model(teacher, coverage=coverage, threads=1, progress=lambda *_: None)


def setup_of(arguments: argparse.Namespace, teacher: Tracker) -> TrainingSetup:
    """What all students have in common."""
    data = DataReference.of(open_source("generated"))
    kept = keep_teacher(teacher)
    return TrainingSetup(kept, data, data, arguments.pairs, rungs(arguments.steps), arguments.seed, device="cpu")


def _lines(
    space: Space, bound: Bound, students: Students, arguments: argparse.Namespace
) -> Iterator[tuple[object, ...]]:
    """A line for each student that the arm trains for the bound, or one with the most that it reaches."""
    if space.name == STATIC:
        chosen, scored = searched(space, bound, students, arguments.wide, beside_depth(space, bound))
    elif space.name == JOINT:
        chosen, scored = searched(space, bound, students, arguments.scored)
    else:
        chosen, scored = listed(space, bound, students, arguments.scored)
    if not chosen:
        fastest = min(space.enumerate(bound.teacher), key=lambda spec: bound.model.predict(spec).mean_ms)
        yield _line(space.name, bound, Chosen(fastest), scored)
    for each in chosen[:TRAINED]:
        begin = perf_counter()
        students.model(each.spec, 1)
        seconds = perf_counter() - begin
        spec = with_taus(each.spec, bound, students)
        trained = [students.setup.steps(1), students.score(spec, 1), seconds]
        yield _line(space.name, bound, replace(each, spec=spec), scored, *trained)


def with_taus(spec: TrackerSpec, bound: Bound, students: Students) -> TrackerSpec:
    """A student with exits: with the thresholds that are expected to do best within the bound."""
    if len(spec.exits) < 2:
        return spec
    return students.thresholds(spec, 1, lambda path: bound.model.predict(spec, {path: 1}).mean_ms, bound.ms)


def _line(
    arm: str, bound: Bound, chosen: Chosen, scored: int, steps: int = 0, score: Score | None = None, seconds: float = 0
) -> tuple[object, ...]:
    """As `COLUMNS`; without a score the student was not trained."""
    spec = chosen.spec
    ms = bound.model.predict(spec, score.paths if score else None).mean_ms
    told = "" if score is None else f"{score.accuracy.ao_seq:.4f}"
    error = "" if score is None else f"{score.accuracy.ao_se:.4f}"
    inherited = "" if isnan(chosen.inherited) else f"{chosen.inherited:.4f}"
    figures = (f"{ms:.4f}", f"{bound.speedup * bound.ms / ms:.3f}", f"{macs(spec).per_frame:.0f}")
    text = json.dumps(spec.to_dict(), separators=(",", ":"))
    return (arm, bound.speedup, spec.id, *figures, scored, inherited, steps, told, error, f"{seconds:.0f}", text)


def _begin(path: Path) -> None:
    if not path.exists():
        write_table(path, COLUMNS, [], head=about())


def _append(path: Path, lines: Iterable[tuple[object, ...]]) -> None:
    """All lines of an arm and a bound in one write."""
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(lines)
    with path.open("ab", buffering=0) as file:
        file.write(text.getvalue().encode())
        os.fsync(file.fileno())


def parsed(parser: argparse.ArgumentParser | None = None) -> argparse.Namespace:
    """Options of this script, beside those of another one."""
    parser = parser or argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--teacher", default="ostrack-nano")
    parser.add_argument("--target", default="cpu")
    parser.add_argument("--bounds", type=float, nargs="+", default=[2.0, 3.0, 4.0, 6.0], help="times its speed")
    parser.add_argument("--arms", nargs="*", default=[], help="only these")
    parser.add_argument("--steps", type=int, default=128, help="distillation steps of every student")
    parser.add_argument("--scored", type=int, default=32, help="candidates of an arm within a bound")
    parser.add_argument("--wide", type=int, default=64, help=f"those of {STATIC!r}")
    parser.add_argument("--pairs", type=int, default=2048)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--out", type=Path, default=Path("results/knobs.csv"))
    return parser.parse_args()


if __name__ == "__main__":
    main()
