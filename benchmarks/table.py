"""A complete table of a small space: every student that keeps a bound, trained by itself and scored at full fidelity.

    python benchmarks/table.py --threads 1

Students inherit from the teacher and are distilled as a search would, with the same pool of generated pairs; what a
search would see at its lower rungs is kept beside the end. Students come in an order drawn from a seed, so that a table
that is not complete yet holds a random sample of them; all of one seed come before the next. A line is appended once
its student is done, and the same command goes on from there, also after it was killed. Predicted latencies are kept
from the first time on, so that the table holds one measurement of this machine.

Accuracies: `ao_inherited` before any distillation and `ao_quarter` after a part of the steps, on the short sequences of
the lower rungs; `ao` at the end on all test sequences, and `sequences` for each of them.
"""

from __future__ import annotations

import argparse
import os
import random
import shlex
import subprocess
import sys
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from time import perf_counter

import torch
from csv_files import append_row, begin_rows, read

from compress.core import TrackerSpec, UsageError
from compress.core.cost import macs, parameters
from compress.core.writing import writing
from compress.data import DataReference, open_source
from compress.driver.jobs import Rung, TrainingSetup
from compress.driver.students import Students
from compress.driver.teacher import keep_teacher
from compress.driver.worker import loaded
from compress.evaluate import evaluate
from compress.geometry import LoopSettings
from compress.latency import LatencyModel
from compress.measure import Coverage, resolve_target
from compress.models import NumpyNetwork, Tracker, load_tracker
from compress.spaces import Space, load_space

SPACE = Path(__file__).with_name("table_space.yaml")


@dataclass(frozen=True)
class Row:
    """One student and seed; the teacher is there too, as seed -1.

    Attributes:
        steps: Distillation steps of each rung.
        train_s, score_s: Seconds of all distillation, and of scoring at full fidelity.
        sequences: AO of each test sequence, separated by spaces.
    """

    spec: str
    seed: int
    predicted_ms: float
    speedup: float
    layers: int
    params: int
    macs: float
    steps: str
    ao_inherited: float
    ao_quarter: float
    ao: float
    ao_seq: float
    ao_se: float
    train_s: float
    score_s: float
    sequences: str


COLUMNS = [each.name for each in fields(Row)]


def main() -> None:
    arguments = _arguments()
    torch.set_num_threads(arguments.threads)
    teacher, space = load_tracker(arguments.teacher), load_space(str(arguments.space))
    milliseconds = _latencies(arguments.specs, space, teacher.spec, arguments.target)
    members = within(space, teacher.spec, milliseconds, arguments.speedup)
    print(f"{len(members)} students at {arguments.speedup} times the teacher's speed or more", flush=True)
    begin_rows(arguments.out, COLUMNS, head=about())
    done = {(row["spec"], int(row["seed"])) for row in read(arguments.out)}
    for seed in range(arguments.seeds):
        with loaded(setup_of(arguments, teacher, seed)) as students:
            if not seed and (teacher.spec.id, -1) not in done:
                append_row(arguments.out, asdict(_teacher_row(students, milliseconds)).values())
            for number, spec in enumerate(members, 1):
                if (spec.id, seed) not in done:
                    row = train(students, spec, seed, milliseconds)
                    append_row(arguments.out, asdict(row).values())
                    print(f"seed {seed}, {number} of {len(members)}: {row}", flush=True)


def within(
    space: Space, teacher: TrackerSpec, ms: dict[str, float], speedup: float, seed: int = 0
) -> list[TrackerSpec]:
    """The students of the space that keep the bound, in an order drawn from the seed."""
    found = [spec for spec in space.enumerate(teacher) if ms[spec.id] * speedup <= ms[teacher.id]]
    random.Random(seed).shuffle(found)
    return found


def setup_of(arguments: argparse.Namespace, teacher: Tracker, seed: int) -> TrainingSetup:
    """What all students of a seed have in common."""
    data = DataReference.of(open_source("generated"))
    first = max(1, round(arguments.steps * arguments.partial))
    rungs = (Rung("rung-0", 0), Rung("rung-1", first), Rung("full", arguments.steps - first, short=False))
    return TrainingSetup(keep_teacher(teacher), data, data, arguments.pairs, rungs, seed, device="cpu")


def train(students: Students, spec: TrackerSpec, seed: int, ms: dict[str, float]) -> Row:
    """Train a student through all rungs and score it at each."""
    inherited = students.score(spec, 0).accuracy.ao
    begin = perf_counter()
    students.model(spec, 1)
    spent = perf_counter() - begin
    quarter = students.score(spec, 1).accuracy.ao
    begin = perf_counter()
    model = students.model(spec, 2)
    spent += perf_counter() - begin
    return _row(students, model, seed, ms, inherited=inherited, quarter=quarter, train_s=spent)


def _teacher_row(students: Students, ms: dict[str, float]) -> Row:
    return _row(students, students.teacher, -1, ms, inherited=float("nan"), quarter=float("nan"), train_s=0.0)


def _row(
    students: Students,
    model: Tracker,
    seed: int,
    ms: dict[str, float],
    *,
    inherited: float,
    quarter: float,
    train_s: float,
) -> Row:
    spec, network = model.spec, NumpyNetwork(model, students.device)
    begin = perf_counter()
    sequences = students.setup.evaluation.open(check=False).sequences("test", keep=True)
    found = evaluate(network, LoopSettings.of(spec), sequences, batch=len(sequences))
    return Row(
        spec=spec.id,
        seed=seed,
        predicted_ms=round(ms[spec.id], 5),
        speedup=round(ms[students.teacher.spec.id] / ms[spec.id], 4),
        layers=len(spec.layers),
        params=parameters(spec),
        macs=macs(spec).per_frame,
        steps=" ".join(str(rung.steps) for rung in students.setup.rungs),
        ao_inherited=round(inherited, 5),
        ao_quarter=round(quarter, 5),
        ao=round(found.accuracy.ao, 5),
        ao_seq=round(found.accuracy.ao_seq, 5),
        ao_se=round(found.accuracy.ao_se, 5),
        train_s=round(train_s, 1),
        score_s=round(perf_counter() - begin, 1),
        sequences=" ".join(f"{each.ao:.4f}" for each in found.per_sequence),
    )


def about() -> str:
    """Lines of a header: machine, commit, command."""
    commit = subprocess.run(["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=False)
    return f"# machine: {machine()}\n# commit: {commit.stdout.strip()}\n# command: python {shlex.join(sys.argv)}\n"


def machine() -> str:
    """The processor, and how many there are."""
    models = [line for line in Path("/proc/cpuinfo").read_text().splitlines() if line.startswith("model name")]
    return f"{models[0].partition(': ')[2] if models else 'unknown'}, {os.cpu_count()} cores, torch {torch.__version__}"


def _latencies(path: Path, space: Space, teacher: TrackerSpec, target: str) -> dict[str, float]:
    """Mean milliseconds a frame by spec id, measured the first time and kept at `path`.

    Raises:
        UsageError: what is kept is of another space.
    """
    if not path.exists():
        model = _measured(space, teacher, target)
        lines = [f"{spec.id},{model.predict(spec).mean_ms:.5f}" for spec in (teacher, *space.enumerate(teacher))]
        with writing(path) as temporary:
            temporary.write_text("\n".join([f"{about()}spec,predicted_ms", *lines, ""]), encoding="utf-8")
    found = {row["spec"]: float(row["predicted_ms"]) for row in read(path)}
    if missing := [spec.id for spec in space.enumerate(teacher) if spec.id not in found]:
        raise UsageError(f"{path} lacks {len(missing)} students of the space. Remove it, and the table with it.")
    return found


def _measured(space: Space, teacher: TrackerSpec, target: str) -> LatencyModel:
    place = resolve_target(target, teacher)
    return place.latency_model(teacher, coverage=Coverage.of_space(teacher, space), threads=1, progress=lambda *_: None)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--teacher", default="ostrack-nano")
    parser.add_argument("--space", type=Path, default=SPACE)
    parser.add_argument("--target", default="cpu")
    parser.add_argument("--speedup", type=float, default=4.0, help="the bound: times the teacher's speed")
    parser.add_argument("--seeds", type=int, default=2)
    parser.add_argument("--steps", type=int, default=128, help="distillation steps of a student")
    parser.add_argument("--partial", type=float, default=0.25, help="share of them at the rung before the last")
    parser.add_argument("--pairs", type=int, default=2048)
    parser.add_argument("--threads", type=int, default=1, help="threads of the training")
    parser.add_argument("--out", type=Path, default=Path("results/table.csv"))
    parser.add_argument("--specs", type=Path, default=Path("results/table-latency.csv"), help="predicted latencies")
    return parser.parse_args()


if __name__ == "__main__":
    main()
