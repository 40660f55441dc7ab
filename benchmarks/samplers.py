"""How soon samplers and strategies find a table's front: against students trained, and against distillation steps.

    python benchmarks/samplers.py

Searches of the table that `table.py` made, also while it is not complete. Each sampler draws students that are all
trained to the end; each strategy spends the steps that it would, with lower rungs as the table has them. Strategies
whose students share weights are there once `correlation.py` has scored these; a step of the elastic network counts four
times, once for each student of it. Students that are promoted have the accuracy of the table, trained from the teacher,
though these strategies would train them from what they share.

Written are, by kind and seed, the students and steps after which a share of the table's hypervolume is reached (empty
where it never is), and the mean curves; a kind that is written already is not run again. Printed are medians, and for
the kinds before it whether `ours` needs fewer, by one-sided Mann-Whitney tests over the seeds.
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
from correlation import KINDS
from csv_files import read, write_table
from scipy.stats import mannwhitneyu
from table import about
from tabulated import Table, Trained, load_table, run_search, shares, table_arguments

from compress.driver.strategies import Strategy
from compress.driver.strategies.halving import Halving
from compress.driver.trials import Trials

Rows = list[tuple[str, int, float, float, float]]
Curves = list[tuple[str, int, float, float]]

OURS = "prior, start list"
SHARES = (0.9, 0.95, 0.99)


@dataclass(frozen=True)
class Kind:
    """A search of the table.

    Attributes:
        start: As of `run_search`.
        fidelities: Steps by rung; None for `full` alone.
    """

    name: str
    sampler: str
    strategy: Callable[[Trials], Strategy]
    start: bool = False
    fidelities: dict[str, int] | None = None
    shared_steps: int = 0


def kinds(table: Table, gp_trials: int, shared: Mapping[str, int]) -> Iterator[Kind]:
    """All that are compared.

    Args:
        shared: Steps of what students have in common, by fidelity, as far as that was made.
    """
    everything = partial(Halving, students=len(table.rows), generation=1, members=1)
    yield Kind(OURS, "prior", everything, start=True)
    yield Kind("prior", "prior", everything)
    yield Kind("tpe, start list", "tpe", everything, start=True)
    for name in ("tpe", "nsga2", "random", "exhaustive"):
        yield Kind(name, name, everything)
    if gp_trials:
        yield Kind("gp", "gp", partial(Halving, students=min(gp_trials, len(table.rows)), generation=1, members=1))
    rungs = dict(zip(("rung-0", "rung-1", "full"), table.steps, strict=True))
    for size in (10, 20, 40, len(table.rows)):
        halving = partial(Halving, students=len(table.rows), generation=size)
        yield Kind(f"halving of {size}, prior", "prior", halving, start=True, fidelities=rungs)
        yield Kind(f"halving of {size}, tpe", "tpe", halving, start=True, fidelities=rungs)
    for fidelity, cost in shared.items():
        sliced = {fidelity: 0, "rung-1": table.steps[1], "full": table.steps[2]}
        for members in (3, 6, 12):
            wide = partial(Halving, students=len(table.rows), members=members)
            yield Kind(f"{fidelity}, {members} members", "tpe", wide, True, sliced, cost)


def searched(table: Table, kind: Kind, seed: int) -> list[Trained]:
    """What one search trains to the end."""
    fidelities = kind.fidelities or {"full": sum(table.steps)}
    return run_search(
        table,
        kind.sampler,
        kind.strategy,
        seed=seed,
        fidelities=fidelities,
        shared_steps=kind.shared_steps,
        start=kind.start,
    )


def needed(table: Table, found: list[Trained]) -> list[tuple[float, float, float]]:
    """(share, students, steps) to reach each of `SHARES`; infinite where it never was."""
    reached = shares(table, found)
    ends = [next((i for i, value in enumerate(reached) if value >= share - 1e-9), None) for share in SHARES]
    return [
        (share, math.inf if end is None else end + 1, math.inf if end is None else found[end].steps)
        for share, end in zip(SHARES, ends, strict=True)
    ]


def main() -> None:
    arguments = _arguments()
    scores = {kind: read(arguments.scores / f"correlation-{kind}.csv") for kind in KINDS}
    made = {kind: {row["spec"]: float(row["ao_short"]) for row in found} for kind, found in scores.items() if found}
    table = load_table(arguments.table, arguments.specs, extra=made)
    print(table.state, flush=True)
    shared = {kind: int(scores[kind][0]["cost"]) for kind in made}
    rows, curves = _read(arguments.out)
    done = {each[0] for each in rows}
    for kind in kinds(table, arguments.gp_trials, shared):
        if kind.name in done or (arguments.kinds and kind.name not in arguments.kinds):
            continue
        found = [searched(table, kind, seed) for seed in range(arguments.seeds)]
        rows += [(kind.name, seed, *each) for seed, one in enumerate(found) for each in needed(table, one)]
        curves += _curve(table, kind.name, found)
        print(_line(table, kind.name, rows), flush=True)
        _write(arguments.out, rows, curves)


def _curve(table: Table, name: str, found: list[list[Trained]]) -> Curves:
    """(kind, students, mean steps, mean share) after each student, as far as all seeds go."""
    length = min(map(len, found))
    reached = np.array([shares(table, one)[:length] for one in found])
    steps = np.array([[each.steps for each in one[:length]] for one in found])
    return [(name, n + 1, float(steps[:, n].mean()), float(reached[:, n].mean())) for n in range(length)]


def _line(table: Table, name: str, rows: Rows) -> str:
    texts = []
    for share in SHARES:
        students = [each[3] for each in rows if each[0] == name and each[2] == share]
        steps = [each[4] for each in rows if each[0] == name and each[2] == share]
        ours = [each[4] for each in rows if each[0] == OURS and each[2] == share]
        text = f"{share:.0%}: {np.median(students):.0f} students, {np.median(steps) / table.cost:.1%} of all steps"
        if ours and name != OURS:
            text += f" (ours fewer p {mannwhitneyu(ours, steps, alternative='less').pvalue:.2g})"
        texts.append(text)
    return f"{name:24} " + "; ".join(texts)


def _read(folder: Path) -> tuple[Rows, Curves]:
    """What an earlier run has written, kind by kind."""
    rows = [
        (
            row["kind"],
            int(row["seed"]),
            float(row["share"]),
            float(row["students"] or "inf"),
            float(row["steps"] or "inf"),
        )
        for row in read(folder / "samplers.csv")
    ]
    curves = [
        (row["kind"], int(row["students"]), float(row["steps"]), float(row["share"]))
        for row in read(folder / "samplers-curves.csv")
    ]
    return rows, curves


def _write(folder: Path, rows: Rows, curves: Curves) -> None:
    lists: dict[str, tuple[list[str], Sequence[Sequence[object]]]] = {
        "samplers.csv": (["kind", "seed", "share", "students", "steps"], rows),
        "samplers-curves.csv": (["kind", "students", "steps", "share"], curves),
    }
    for name, (columns, lines) in lists.items():
        write_table(folder / name, columns, ([_short(value) for value in line] for line in lines), head=about())


def _short(value: object) -> object:
    if not isinstance(value, float):
        return value
    return "" if math.isinf(value) else f"{value:.5g}"


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    table_arguments(parser)
    parser.add_argument("--scores", type=Path, default=Path("results"), help="where correlation.py wrote")
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--gp-trials", type=int, default=40, help="students of the Gaussian process; 0 leaves it out")
    parser.add_argument("--kinds", nargs="*", default=[], help="only these")
    parser.add_argument("--out", type=Path, default=Path("results"), help="folder of the CSV files")
    return parser.parse_args()


if __name__ == "__main__":
    main()
