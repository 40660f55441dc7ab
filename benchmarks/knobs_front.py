"""The students that `knobs.py` trained: timed together, chosen for each bound, compared.

    python benchmarks/knobs_front.py --time     # first times all of them, on a machine with nothing else to do
    python benchmarks/knobs_front.py            # choice, table and plot

For each bound an arm is given the student with the highest AO among all it trained that keep the bound as measured, to
`_TOLERANCE`. Differences are paired over the sequences of that AO; as students were chosen by the same ones, an arm
that trained more is favoured a little. Speeds are ratios to the teacher within a block
in which all frames of all students are shuffled; the range is that of the blocks.
"""

from __future__ import annotations

import argparse
import json
import statistics
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from csv_files import write_table
from knobs import parsed, setup_of
from knobs_arms import SEEDED
from knobs_plot import plot
from table import about, read

from compress.archive import bootstrap_error, paired_difference
from compress.core import TrackerSpec
from compress.driver.students import Students
from compress.driver.worker import loaded
from compress.measure import resolve_target
from compress.models import Tracker, load_tracker

Line = Mapping[str, str]

TEACHER = "teacher"
COLUMNS = (
    *("bound", "arm", "spec_id", "chosen_by", "speedup", "speedup_low", "speedup_high", "ms", "trained", "scored"),
    *("ao", "ao_se", "less_joint", "less_joint_se", "less_depth", "less_depth_se", "spec"),
)


_TOLERANCE = 0.98
"""What of a bound must be measured: students are cut to keep it just so, and no two measurements are alike."""

Speeds = Mapping[str, tuple[float, float, float, float]]
"""By spec id: times the teacher's speed, the median and the ends of the blocks, and median milliseconds."""


@dataclass(frozen=True)
class Entry:
    """What an arm is given for a bound; without a line it reaches only `most` times the teacher's speed."""

    arm: str
    bound: float
    line: Line | None
    most: float


def main() -> None:
    arguments = _arguments()
    torch.set_num_threads(arguments.threads)
    lines = read(arguments.out)
    teacher = load_tracker(arguments.teacher)
    with loaded(setup_of(arguments, teacher)) as students:
        if arguments.time:
            _time(lines, students, arguments)
        speeds = _speeds(read(arguments.latency))
        entries = [entry for bound in arguments.bounds for entry in chosen(lines, bound, speeds)]
        overlaps = _overlaps(entries, students)
    write_table(arguments.front, COLUMNS, _rows(entries, lines, overlaps, speeds, teacher.spec), head=about())
    plot(arguments.plot, read(arguments.front))


def chosen(lines: Sequence[Line], bound: float, speeds: Speeds) -> Iterator[Entry]:
    """What each arm is given for a bound, in the order of the lines."""

    def speed(line: Line) -> float:
        return speeds[line["spec_id"]][0] if line["spec_id"] in speeds else float(line["speedup"])

    for arm in dict.fromkeys(line["arm"] for line in lines):
        own = [line for line in lines if line["arm"] == arm]
        within = [line for line in own if line["ao"] and speed(line) >= _TOLERANCE * bound]
        best = max(within, key=lambda line: float(line["ao"]), default=None)
        yield Entry(arm, bound, best, max(map(speed, own)))


def _models(lines: Iterable[Line], students: Students) -> dict[str, Tracker]:
    """The teacher and each trained student of some lines once, by spec id."""
    specs = [TrackerSpec.from_dict(json.loads(line["spec"])) for line in lines if line["ao"]]
    return {TEACHER: students.teacher} | {spec.id: students.model(spec, 1) for spec in dict.fromkeys(specs)}


def _overlaps(entries: Sequence[Entry], students: Students) -> dict[str, tuple[float, ...]]:
    """AO by sequence, as students were scored when they were trained, of the teacher and of each chosen student."""
    found = {TEACHER: students.score_teacher(1).accuracy.sequence_aos}
    for spec in (TrackerSpec.from_dict(json.loads(each.line["spec"])) for each in entries if each.line):
        found[spec.id] = students.score(spec, 1).accuracy.sequence_aos
    return found


def _time(lines: Sequence[Line], students: Students, arguments: argparse.Namespace) -> None:
    target, models = resolve_target(arguments.target, students.teacher.spec), _models(lines, students)
    paths = {name: students.score(model.spec, 1).paths for name, model in models.items() if model.spec.adaptive}
    untrained = [TrackerSpec.from_dict(json.loads(line["spec"])) for line in lines if not line["ao"]]
    fastest = {spec.id: spec for spec in untrained if not spec.adaptive}
    rows: list[tuple[object, ...]] = []
    for block in range(arguments.blocks):
        found = target.measure(
            {**fastest, **models}, paths={name: taken for name, taken in paths.items() if taken}, runs=40
        )
        own = found[TEACHER].mean_ms
        rows += [(block, name, f"{each.mean_ms:.4f}", f"{own / each.mean_ms:.4f}") for name, each in found.items()]
        write_table(arguments.latency, ["block", "spec_id", "ms", "speedup"], rows, head=about())


def _speeds(lines: Sequence[Line]) -> Speeds:
    found = {}
    for name in dict.fromkeys(line["spec_id"] for line in lines):
        ratios = [float(line["speedup"]) for line in lines if line["spec_id"] == name]
        ms = statistics.median(float(line["ms"]) for line in lines if line["spec_id"] == name)
        found[name] = (statistics.median(ratios), min(ratios), max(ratios), ms)
    return found


def _rows(
    entries: Sequence[Entry],
    lines: Sequence[Line],
    overlaps: Mapping[str, Sequence[float]],
    speeds: Speeds,
    teacher: TrackerSpec,
) -> Iterator[list[object]]:
    yield [1, TEACHER, teacher.id, 1, *_timed(speeds, TEACHER), 0, 0, *_own(overlaps[TEACHER]), *[""] * 4, ""]
    for entry in entries:
        if entry.line is None:
            yield [entry.bound, entry.arm, "", f"{entry.most:.3f}", *[""] * (len(COLUMNS) - 4)]
            continue
        of_arm = [line for line in lines if line["arm"] == entry.arm]
        trained = sum(bool(line["ao"]) for line in of_arm)
        candidates = sum({line["bound"]: int(line["scored"]) for line in of_arm}.values())
        name = entry.line["spec_id"]
        yield [
            *(entry.bound, entry.arm, name, entry.line["speedup"], *_timed(speeds, name), trained, candidates),
            *_own(overlaps[name]),
            *_less(name, SEEDED, entries, entry.bound, overlaps),
            *_less(name, "depth", entries, entry.bound, overlaps),
            entry.line["spec"],
        ]


def _timed(speeds: Speeds, name: str) -> list[str]:
    return [f"{value:.3f}" for value in speeds[name]] if name in speeds else [""] * 4


def _own(overlaps: Sequence[float]) -> list[str]:
    return [f"{np.mean(overlaps):.4f}", f"{bootstrap_error(overlaps):.4f}"]


def _less(
    name: str, arm: str, entries: Sequence[Entry], bound: float, overlaps: Mapping[str, Sequence[float]]
) -> list[str]:
    """AO less that of an arm at the same bound, and the standard error of that."""
    other = next((each.line for each in entries if each.arm == arm and each.bound == bound and each.line), None)
    if other is None or other["spec_id"] == name:
        return ["", ""]
    found = paired_difference(overlaps[name], overlaps[other["spec_id"]])
    return [f"{found.mean:+.4f}", f"{found.se:.4f}"]


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--time", action="store_true", help="time the chosen students, too")
    parser.add_argument("--blocks", type=int, default=3, help="runs in which all of them are timed")
    parser.add_argument("--latency", type=Path, default=Path("results/knobs-latency.csv"))
    parser.add_argument("--front", type=Path, default=Path("results/knobs-front.csv"))
    parser.add_argument("--plot", type=Path, default=Path("docs/knobs.png"))
    return parsed(parser)


if __name__ == "__main__":
    main()
