"""How long asking for a student and telling its result take together, by sampler and number of trials before.

    python benchmarks/ask_tell.py --out results/ask_tell.csv

In SQLite on this disk. `run` is what a search does: knobs drawn in memory, a trial entered in one step, its record
and values stored. `plain` does the same by Optuna's own ask and tell on the database.
"""

from __future__ import annotations

import argparse
import random
import statistics
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import optuna
from csv_files import write_rows
from optuna.trial import TrialState, create_trial

from compress.archive import Record, store_record
from compress.core import Accuracy, LatencyConstraint, TrackerSpec
from compress.core.cost import macs, parameters
from compress.driver.proposals import Proposals
from compress.driver.samplers import SAMPLERS
from compress.driver.stored_trials import ASKED, Asked
from compress.driver.study import open_study
from compress.latency import gate
from compress.spaces import load_space
from compress.testing.strategy_trials import TEACHER, LayersModel, accuracy

SPACE = load_space("full")
BOUND = LatencyConstraint(9.0)


def _gate(spec: TrackerSpec) -> Any:
    return gate(LayersModel(), spec, constraint=BOUND)


def _record(number: int, spec: TrackerSpec, found: Accuracy | None) -> Record:
    cost, status = macs(spec), "done" if found else "running"
    return Record(
        f"v{number:03d}", number, spec, status, "", "full", found, _gate(spec).latency, None,
        parameters(spec), cost.full, cost.per_frame,
    )  # type: ignore[arg-type] # fmt: skip


def _fill(study: optuna.Study, count: int) -> None:
    """Trials as a search leaves them, drawn at random."""
    draw = random.Random(count)
    choices = SPACE.choices(TEACHER)
    for number in range(len(study.get_trials(deepcopy=False)), count):
        knobs: dict[str, Any] = {}

        def choose(name: str, values: Any, knobs: dict[str, Any] = knobs) -> Any:
            knobs[name] = draw.choice(list(values))
            return knobs[name]

        spec = SPACE.spec(TEACHER, choose)
        record = _record(number, spec, accuracy(draw.random()))
        assert record.predicted is not None
        values = [record.predicted.mean_ms, record.accuracy.ao] if record.accuracy else None
        over_ms = _gate(spec).over_ms
        trial = create_trial(
            state=TrialState.COMPLETE if over_ms <= 0 else TrialState.PRUNED,
            values=values if over_ms <= 0 else None,
            params=knobs,
            distributions={name: optuna.distributions.CategoricalDistribution(choices[name]) for name in knobs},
            user_attrs={"record": record.to_attrs(), ASKED: ["", number]},
            constraints={"latency": over_ms},
        )
        study.add_trial(trial)


def _plain(run: Path, sampler: str) -> Callable[[], None]:
    study = open_study(run, sampler="random", seed=0)
    study.sampler = SAMPLERS[sampler](0)

    def once() -> None:
        trial = study.ask()
        spec = SPACE.spec(TEACHER, lambda name, values: trial.suggest_categorical(name, list(values)))
        record = _record(trial.number, spec, accuracy(0.5))
        store_record(trial, record)
        store_record(trial, record)
        trial.set_constraint("latency", -1.0)
        study.tell(trial, [5.0, 0.5])

    return once


def _run(run: Path, sampler: str) -> Callable[[], None]:
    proposals = Proposals(open_study(run, sampler=sampler, seed=0), SPACE, TEACHER, _gate)
    proposals.enqueue([])

    def once() -> None:
        number = next(proposals.accepted(Asked("x")))
        record = Record.from_attrs(proposals.stored[number].user_attrs["record"])
        record = replace(record, accuracy=accuracy(0.5), fidelity="full")
        proposals.stored.put(number, record)
        proposals.stored.end(number, replace(record, status="done"), TrialState.COMPLETE, values=[5.0, 0.5])

    return once


def _times(once: Callable[[], None], count: int) -> tuple[list[float], list[float]]:
    """Milliseconds of each call: on the clock, and of this process's processor time."""
    once()  # reads what was there before
    wall, cpu = [], []
    for _ in range(count):
        begin, used = time.perf_counter(), time.process_time()
        once()
        wall.append(1000 * (time.perf_counter() - begin))
        cpu.append(1000 * (time.process_time() - used))
    return wall, cpu


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=Path("results/ask_tell.csv"))
    parser.add_argument("--trials", type=int, nargs="+", default=[100, 1_000, 10_000])
    parser.add_argument("--samplers", nargs="+", default=["prior", "tpe", "random", "nsga2"])
    parser.add_argument("--repeat", type=int, default=10)
    options = parser.parse_args()
    rows: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory() as name:
        run = Path(name)
        for trials in options.trials:
            study = open_study(run, sampler="random", seed=0)
            _fill(study, trials)
            for sampler in options.samplers:
                # Asked by Optuna alone, `prior` knows nothing of the space.
                for how, make in (("run", _run), ("plain", _plain))[: 1 if sampler == "prior" else 2]:
                    wall, cpu = _times(make(run, sampler), options.repeat)
                    row: dict[str, Any] = {"sampler": sampler, "trials": trials, "how": how, "repeats": len(wall)}
                    for name, found in (("", wall), ("cpu_", cpu)):
                        deciles = statistics.quantiles(found, n=10, method="inclusive")
                        row |= {f"{name}median_ms": round(deciles[4], 1), f"{name}p90_ms": round(deciles[8], 1)}
                    rows.append(row)
                    print(rows[-1], flush=True)
    write_rows(options.out, rows)


if __name__ == "__main__":
    main()
