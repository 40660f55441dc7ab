"""The best student of each knob alone and of all jointly, at equal bounds and distillation steps.

    python benchmarks/knobs.py draw     # candidates of each arm and bound, scored with inherited weights
    python benchmarks/knobs.py gate     # their speeds, measured in one run, on a machine with nothing else to do
    python benchmarks/knobs.py train    # of those that keep the bound the best two are distilled, and scored

A knob alone offers its students that are slowest within the bound; jointly the default sampler draws them, and a second
joint arm takes seeds: the greatest depth within the bound beside other knobs at mild settings. By the profile
candidates need to keep the bound to `SLACK` only: what is measured decides. Bypass and exits, of which inherited
weights tell nothing, have candidates by rule, and a speed by the profile and the paths that their frames take. A line
is appended once an arm is done with a bound, and the same commands go on from there. `knobs_front.py` then times what
was trained, chooses and compares.
"""

from __future__ import annotations

import argparse
import csv
import io
import json
import os
import warnings
from collections.abc import Iterable, Mapping, Sequence
from itertools import product
from math import isnan
from pathlib import Path
from time import perf_counter

import optuna
import torch
from csv_files import write_table
from knobs_arms import (
    JOINT,
    SEEDED,
    SEEDED_FP32,
    Bound,
    Chosen,
    beside_depth,
    every_knob,
    listed,
    rungs,
    searched,
    spaces,
)
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

Line = tuple[object, ...]

CANDIDATES = ("arm", "bound", "spec_id", "predicted", "scored", "ao_inherited", "spec")
COLUMNS = (
    *("arm", "bound", "spec_id", "predicted_ms", "speedup", "macs", "scored"),
    *("ao_inherited", "steps", "ao", "ao_se", "train_s", "spec"),
)
MEASURED, TRAINED = 10, 2
"""Candidates of an arm that are measured for a bound, and students that it trains."""


def main() -> None:
    arguments = parsed()
    torch.set_num_threads(arguments.threads)
    warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
    teacher, arms = load_tracker(arguments.teacher), spaces()
    model = latency_model(teacher.spec, arguments)
    with loaded(setup_of(arguments, teacher)) as students:
        if arguments.stage == "gate":
            return _gate(teacher.spec, arguments)
        for speedup, name in product(sorted(arguments.bounds, reverse=True), arguments.arms or arms):
            bound = Bound(speedup, model, teacher.spec)
            if arguments.stage == "draw":
                _draw(arms[name], bound, students, arguments)
            else:
                _train(name, bound, students, arguments)


def _draw(space: Space, bound: Bound, students: Students, arguments: argparse.Namespace) -> None:
    if _of(arguments.candidates, space.name, bound):
        return
    wider = bound.wider
    if space.name in JOINT:
        seeds = beside_depth(space, wider)[: arguments.seeded] if space.name in (SEEDED, SEEDED_FP32) else []
        chosen, scored = searched(space, wider, students, len(seeds) or arguments.scored, seeds)
    else:
        chosen, scored = listed(space, wider, students, arguments.scored)
    if not chosen:  # as fast as it gets
        chosen = [Chosen(min(space.enumerate(bound.teacher), key=lambda spec: bound.model.predict(spec).mean_ms))]
    lines = [_candidate(space.name, bound, each, scored) for each in chosen[:MEASURED]]
    _append(arguments.candidates, CANDIDATES, lines)
    print(space.name, bound.speedup, f"{scored} scored, {len(lines)} kept", flush=True)


def _candidate(arm: str, bound: Bound, chosen: Chosen, scored: int) -> Line:
    inherited = "" if isnan(chosen.inherited) else f"{chosen.inherited:.4f}"
    text = json.dumps(chosen.spec.to_dict(), separators=(",", ":"))
    return (arm, bound.speedup, chosen.spec.id, f"{bound.reached(chosen.spec):.3f}", scored, inherited, text)


def _gate(teacher: TrackerSpec, arguments: argparse.Namespace) -> None:
    """Times the teacher's speed of every static candidate, all timed in one shuffled run."""
    specs = [_spec(line) for line in read(arguments.candidates)]
    each = {"teacher": teacher} | {spec.id: spec for spec in specs if not spec.adaptive}
    found = resolve_target(arguments.target, teacher).measure(each, runs=60)
    own = found["teacher"].mean_ms
    rows = [(name, f"{one.mean_ms:.4f}", f"{own / one.mean_ms:.4f}") for name, one in found.items()]
    write_table(arguments.gate, ("spec_id", "ms", "speedup"), rows, head=about())


def _train(arm: str, bound: Bound, students: Students, arguments: argparse.Namespace) -> None:
    """A line for each student that the arm trains for the bound, or one with the fastest it has."""
    if _of(arguments.out, arm, bound):
        return
    speeds = {line["spec_id"]: float(line["speedup"]) for line in read(arguments.gate)}
    own = _of(arguments.candidates, arm, bound)
    within = [line for line in own if speeds.get(line["spec_id"], float(line["predicted"])) >= bound.speedup]
    lines = [_trained(arm, bound, line, students, speeds) for line in within[:TRAINED]]
    if not within:
        fastest = max(own, key=lambda line: speeds.get(line["spec_id"], float(line["predicted"])))
        lines = [_line(arm, bound, _spec(fastest), fastest, speeds)]
    _append(arguments.out, COLUMNS, lines)
    for each in lines:
        print(*each[:-1], flush=True)


def _trained(
    arm: str, bound: Bound, candidate: Mapping[str, str], students: Students, speeds: Mapping[str, float]
) -> Line:
    spec, begin = _spec(candidate), perf_counter()
    students.model(spec, 1)
    seconds = perf_counter() - begin
    if len(spec.exits) > 1:  # with the thresholds that are expected to do best within the bound
        spec = students.thresholds(spec, 1, lambda path: bound.model.predict(spec, {path: 1}).mean_ms, bound.ms)
    return _line(arm, bound, spec, candidate, speeds, students.setup.steps(1), students.score(spec, 1), seconds)


def _line(
    arm: str,
    bound: Bound,
    spec: TrackerSpec,
    candidate: Mapping[str, str],
    speeds: Mapping[str, float],
    steps: int = 0,
    score: Score | None = None,
    seconds: float = 0,
) -> Line:
    """As `COLUMNS`; without a score the student was not trained."""
    paths = score.paths if score else None
    speedup = speeds.get(spec.id) or bound.reached(spec, paths)
    figures = (f"{bound.model.predict(spec, paths).mean_ms:.4f}", f"{speedup:.3f}", f"{macs(spec).per_frame:.0f}")
    told = ("", "") if score is None else (f"{score.accuracy.ao_seq:.4f}", f"{score.accuracy.ao_se:.4f}")
    text = json.dumps(spec.to_dict(), separators=(",", ":"))
    before = (candidate["scored"], candidate["ao_inherited"], steps)
    return (arm, bound.speedup, spec.id, *figures, *before, *told, f"{seconds:.0f}", text)


def _of(path: Path, arm: str, bound: Bound) -> list[dict[str, str]]:
    return [line for line in read(path) if line["arm"] == arm and float(line["bound"]) == bound.speedup]


def _spec(line: Mapping[str, str]) -> TrackerSpec:
    return TrackerSpec.from_dict(json.loads(line["spec"]))


def latency_model(teacher: TrackerSpec, arguments: argparse.Namespace) -> LatencyModel:
    """Of this host, measured the first time, for all students of all arms."""
    target, coverage = resolve_target(arguments.target, teacher), Coverage.of_space(teacher, every_knob())
    return target.latency_model(teacher, coverage=coverage, threads=1, progress=lambda *_: None)


def setup_of(arguments: argparse.Namespace, teacher: Tracker) -> TrainingSetup:
    """What all students have in common."""
    data = DataReference.of(open_source("generated"))
    kept = keep_teacher(teacher)
    return TrainingSetup(kept, data, data, arguments.pairs, rungs(arguments.steps), arguments.seed, device="cpu")


def _append(path: Path, columns: Sequence[str], lines: Iterable[Line]) -> None:
    """All lines of an arm and a bound in one write."""
    if not path.exists():
        write_table(path, columns, [], head=about())
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(lines)
    with path.open("ab", buffering=0) as file:
        file.write(text.getvalue().encode())
        os.fsync(file.fileno())


def parsed(parser: argparse.ArgumentParser | None = None) -> argparse.Namespace:
    """Options of this script, beside those of another one."""
    add_stage = parser is None
    parser = parser or argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    if add_stage:
        parser.add_argument("stage", choices=("draw", "gate", "train"))
    parser.add_argument("--teacher", default="ostrack-nano")
    parser.add_argument("--target", default="cpu")
    parser.add_argument("--bounds", type=float, nargs="+", default=[2.0, 3.0, 4.0, 6.0], help="times its speed")
    parser.add_argument("--arms", nargs="*", default=[], help="only these")
    parser.add_argument("--steps", type=int, default=128, help="distillation steps of every student")
    parser.add_argument("--scored", type=int, default=32, help="candidates of an arm for a bound")
    parser.add_argument("--seeded", type=int, default=16, help=f"those of {SEEDED!r}, all of them seeds")
    parser.add_argument("--pairs", type=int, default=2048)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--candidates", type=Path, default=Path("results/knobs-candidates.csv"))
    parser.add_argument("--gate", type=Path, default=Path("results/knobs-gate.csv"), help="their measured speeds")
    parser.add_argument("--out", type=Path, default=Path("results/knobs.csv"))
    return parser.parse_args()


if __name__ == "__main__":
    main()
