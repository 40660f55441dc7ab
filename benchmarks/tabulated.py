"""A search whose students are looked up in a table instead of being trained: the search's own code, but for training.

What a search sees is one seed's accuracy, drawn for the search as a whole; what it is judged by is the mean over the
seeds. Students that the table lacks, as it is not complete yet, count as over the bound.
"""

from __future__ import annotations

import argparse
import warnings
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import moocore
import numpy as np
import optuna
from csv_files import read
from numpy.typing import NDArray
from table import SPACE

from compress.core import Accuracy, ConstraintCheck, Latency, LatencyConstraint, TrackerSpec, UsageError, describe
from compress.data import DataReference, open_source
from compress.driver.drawing import SeededSampler
from compress.driver.jobs import (
    BlockwiseSetup,
    ElasticSetup,
    Rung,
    TeacherWeights,
    TrainingSetup,
    TrialJob,
    TrialResult,
)
from compress.driver.proposals import Proposals
from compress.driver.samplers import SAMPLERS
from compress.driver.strategies import Strategy
from compress.driver.trials import Trials
from compress.spaces import Space, load_space

RUNG_COLUMNS = {"rung-0": "ao_inherited", "rung-1": "ao_quarter", "full": "ao"}
"""Where the table has the accuracy of a fidelity."""


@dataclass(frozen=True)
class Table:
    """The students of a space that keep a bound.

    Attributes:
        rows: By spec id, then seed.
        ms: Predicted latency by spec id, of all students of the space and of the teacher.
        extra: Accuracies of further fidelities by name, then by spec id.
    """

    space: Space
    teacher: TrackerSpec
    rows: Mapping[str, Mapping[int, Mapping[str, str]]]
    ms: Mapping[str, float]
    bound_ms: float
    extra: Mapping[str, Mapping[str, float]]

    @cached_property
    def members(self) -> list[str]:
        """Students of whom there is a row."""
        return sorted(self.rows)

    @cached_property
    def wanted(self) -> int:
        """Students that a complete table has."""
        return sum(self.ms[spec.id] <= self.bound_ms for spec in self.space.enumerate(self.teacher))

    @cached_property
    def steps(self) -> tuple[int, ...]:
        """Distillation steps of `rung-0`, `rung-1` and `full`."""
        first = next(iter(self.rows[self.members[0]].values()))
        return tuple(int(each) for each in first["steps"].split())

    @property
    def cost(self) -> int:
        """Distillation steps of one seed of all students."""
        return len(self.rows) * sum(self.steps)

    def ao(self, spec: str, fidelity: str = "full", seed: int | None = None) -> float:
        """Accuracy of a student; the mean over the seeds where none is named, or where that one is not there yet."""
        if fidelity in self.extra:
            return self.extra[fidelity][spec]
        found = {n: float(row[RUNG_COLUMNS[fidelity]]) for n, row in self.rows[spec].items()}
        return found[seed] if seed in found else float(np.mean(list(found.values())))

    def sequences(self, spec: str) -> NDArray[np.float64]:
        """AO by test sequence, the mean over the seeds."""
        return np.mean([np.array(row["sequences"].split(), dtype=float) for row in self.rows[spec].values()], axis=0)

    def hypervolume(self, specs: Iterable[str]) -> float:
        """Share of the box from (0 ms, AO 1) to (the bound, AO 0) that some students dominate."""
        points = [(self.ms[each] / self.bound_ms, 1 - self.ao(each)) for each in specs]
        return float(moocore.hypervolume(np.array(points), ref=[1.0, 1.0])) if points else 0.0

    @cached_property
    def best(self) -> float:
        """The hypervolume of the whole table."""
        return self.hypervolume(self.members)

    @property
    def state(self) -> str:
        """How complete the table is, in a line."""
        counts = Counter(seed for rows in self.rows.values() for seed in rows)
        rows = ", ".join(f"{count} of {self.wanted} of seed {seed}" for seed, count in sorted(counts.items()))
        return f"table: {rows}; hypervolume {self.best:.4f}; {self.cost:,} steps a seed"


def load_table(
    path: Path,
    latency: Path,
    *,
    space: Path = SPACE,
    teacher: str = "ostrack-nano",
    speedup: float = 4.0,
    extra: Mapping[str, Mapping[str, float]] | None = None,
) -> Table:
    """Read what `table.py` wrote, complete or not.

    Raises:
        UsageError: there are no students in it.
    """
    spec = describe(teacher)
    ms = {row["spec"]: float(row["predicted_ms"]) for row in read(latency)}
    rows: dict[str, dict[int, dict[str, str]]] = {}
    for row in read(path):
        if int(row["seed"]) >= 0:
            rows.setdefault(row["spec"], {})[int(row["seed"])] = row
    if not rows:
        raise UsageError(f"{path} holds no students yet. Run benchmarks/table.py first.")
    return Table(load_space(str(space)), spec, rows, ms, ms[spec.id] / speedup, extra or {})


@dataclass(frozen=True)
class TableModel:
    """The table's latencies as a latency model; what the table lacks takes twice the bound."""

    table: Table
    provenance = "measured"
    errors = None
    limits = ""
    basis = "a table"
    known_figures = ("mean",)

    def covers(self, spec: TrackerSpec) -> bool:
        return True

    def predict(self, spec: TrackerSpec, paths: object = None) -> Latency:
        known = spec.id in self.table.rows or spec.id == self.table.teacher.id
        ms = self.table.ms[spec.id] if known else 2 * self.table.bound_ms
        return Latency(ms, ms, ms, ms, ms, "measured", 1, 0, 1, "table", "table")


@dataclass(frozen=True)
class Trained:
    """A student trained to the end: which, and all distillation steps of the search up to then."""

    spec: str
    steps: int


def run_search(
    table: Table,
    sampler: str,
    strategy: Callable[[Trials], Strategy],
    *,
    seed: int,
    fidelities: Mapping[str, int],
    shared_steps: int = 0,
    start: bool = False,
    most: int | None = None,
) -> list[Trained]:
    """Search the table; what was trained to the end, in that order.

    Args:
        sampler: A name of `SAMPLERS`.
        fidelities: Steps of each rung; the last one is `full`.
        shared_steps: Steps of what all students have in common, counted first.
        start: Draw as `compress search` does: the seed configurations first, then by a sampler made anew each time.
        most: Students trained to the end, after which nothing is asked for any more.
    """
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
    drawer = SeededSampler(SAMPLERS[sampler], seed) if start else SAMPLERS[sampler](seed)
    study = optuna.create_study(directions=["minimize", "maximize"], sampler=drawer)
    trials = _trials(table, study, fidelities, shared_steps, start)
    searching, spent = strategy(trials), shared_steps
    found: list[Trained] = []
    while (most is None or len(found) < most) and (jobs := searching.propose(1)):
        for job in jobs:
            spent += job.setup.rungs[job.rung].steps
            if job.fidelity == "full":
                found.append(Trained(job.spec.id, spent))
            result = _looked_up(table, job, seed % 2)
            trials.add(result)
            searching.observe(result)
    return found


def _trials(table: Table, study: optuna.Study, fidelities: Mapping[str, int], shared: int, start: bool) -> Trials:
    model, constraint = TableModel(table), LatencyConstraint(table.bound_ms)

    def gate(spec: TrackerSpec) -> ConstraintCheck:
        return constraint.check(model.predict(spec))

    proposals = Proposals(study, table.space, table.teacher, gate)
    if start:
        proposals.enqueue_seeds()
    data = DataReference.of(open_source("generated"))
    rungs = tuple(Rung(name, steps, short=name != "full") for name, steps in fidelities.items())
    weights = TeacherWeights(table.teacher, "table")
    elastic = ElasticSetup("{}", shared) if "elastic" in fidelities else None
    blockwise = BlockwiseSetup("{}") if "blockwise" in fidelities else None
    setup = TrainingSetup(weights, data, data, pairs=1, rungs=rungs, seed=0, elastic=elastic, blockwise=blockwise)
    return Trials(proposals, model, constraint, setup, work=[max(1, each) for each in fidelities.values()])


def _looked_up(table: Table, job: TrialJob, seed: int) -> TrialResult:
    ao = table.ao(job.spec.id, job.fidelity, seed)
    return TrialResult(job.trial, job.fidelity, job.spec, 0.0, Accuracy(ao, ao, 0.0, ao, ao, ao, ao, ao, 1, 1))


def shares(table: Table, found: list[Trained]) -> list[float]:
    """The share of the table's hypervolume after each student that was trained to the end."""
    ids = [each.spec for each in found]
    return [table.hypervolume(ids[: n + 1]) / table.best for n in range(len(ids))]


def table_arguments(parser: argparse.ArgumentParser) -> None:
    """Options that say where the table is."""
    parser.add_argument("--table", type=Path, default=Path("results/table.csv"))
    parser.add_argument("--specs", type=Path, default=Path("results/table-latency.csv"))
