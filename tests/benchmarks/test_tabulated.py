"""Searches of a table: what they cost, what they find, and that an unfinished table is searched as far as it goes."""

from __future__ import annotations

import random
import sys
from collections.abc import Iterator
from dataclasses import asdict
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from compress.core import describe
from compress.driver.strategies.halving import Halving
from compress.spaces import load_space

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"
NANO = describe("ostrack-nano")
SPACE = """knobs:
  depth: [1, 2, 3]
  interaction: [joint, 1/2]
  mlp_ratio: [1, 2, 4]
"""
STEPS = {"rung-0": 0, "rung-1": 2, "full": 6}


@pytest.fixture(scope="module")
def benchmarks() -> Iterator[dict[str, ModuleType]]:
    """The scripts, imported as they import each other."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(BENCHMARKS))
        import csv_files
        import samplers
        import table
        import tabulated

        yield {"csv_files": csv_files, "samplers": samplers, "table": table, "tabulated": tabulated}
    for name in ("correlation", "csv_files", "samplers", "table", "tabulated"):
        sys.modules.pop(name, None)


@pytest.fixture
def files(tmp_path: Path, benchmarks: dict[str, ModuleType]) -> Path:
    """A table of twelve students of one and two layers, in which layers cost time and bring accuracy; three are too
    many for the bound."""
    (tmp_path / "space.yaml").write_text(SPACE, encoding="utf-8")
    space, rng = load_space(str(tmp_path / "space.yaml")), random.Random(0)
    specs = list(space.enumerate(NANO))
    ms = {NANO.id: 8.0} | {spec.id: len(spec.layers) * 0.8 + spec.layers[0].mlp_hidden / 4096 for spec in specs}
    lines = [f"{name},{value}" for name, value in ms.items()]
    (tmp_path / "latency.csv").write_text("\n".join(["# made up", "spec,predicted_ms", *lines, ""]), encoding="utf-8")
    module = benchmarks["table"]
    path = tmp_path / "table.csv"
    path.write_text("# made up\n" + ",".join(module.COLUMNS) + "\n", encoding="utf-8")
    for seed in (0, 1):
        for spec in module.within(space, NANO, ms, 4.0):
            ao = 0.1 * len(spec.layers) + spec.layers[0].mlp_hidden / 8192 + rng.uniform(0, 0.01)
            row = module.Row(
                spec.id, seed, ms[spec.id], 1.0, 1, 1, 1.0, "0 2 6", ao / 2, ao / 2, ao, ao, 0.1, 1.0, 1.0, f"{ao} {ao}"
            )
            benchmarks["csv_files"].append_row(path, asdict(row).values())
    return tmp_path


def _load(folder: Path, benchmarks: dict[str, ModuleType], name: str = "table.csv") -> Any:
    return benchmarks["tabulated"].load_table(folder / name, folder / "latency.csv", space=folder / "space.yaml")


def test_every_student_within_the_bound_costs_its_steps_and_ends_with_the_whole_front(
    files: Path, benchmarks: dict[str, ModuleType]
) -> None:
    module, table = benchmarks["tabulated"], _load(files, benchmarks)
    assert table.wanted == len(table.rows) == 12
    found = module.run_search(
        table, "exhaustive", partial(Halving, students=99, generation=1, members=1), seed=0, fidelities={"full": 8}
    )
    assert {each.spec for each in found} == set(table.rows)
    assert [each.steps for each in found] == [8 * (n + 1) for n in range(12)]
    reached = module.shares(table, found)
    assert reached == sorted(reached)
    assert reached[-1] == pytest.approx(1)


def test_halving_spends_lower_rungs_on_those_that_it_drops(files: Path, benchmarks: dict[str, ModuleType]) -> None:
    """Of four, all at rung 0, two at rung 1 and one at the end: 0 + 2 · 2 + 6 steps."""
    module, table = benchmarks["tabulated"], _load(files, benchmarks)
    halving = partial(Halving, students=4, generation=4, eta=2, members=1)
    found = module.run_search(table, "random", halving, seed=0, fidelities=STEPS)
    assert [each.steps for each in found] == [10]


def test_of_an_unfinished_table_what_is_there_is_searched(files: Path, benchmarks: dict[str, ModuleType]) -> None:
    lines = (files / "table.csv").read_text(encoding="utf-8").splitlines(keepends=True)
    (files / "part.csv").write_text("".join(lines[:6]) + lines[6][:20], encoding="utf-8")
    module, table = benchmarks["tabulated"], _load(files, benchmarks, "part.csv")
    assert len(table.rows) == 4
    assert "4 of 12 of seed 0" in table.state
    found = module.run_search(
        table,
        "prior",
        partial(Halving, students=99, generation=1, members=1),
        seed=0,
        fidelities={"full": 8},
        start=True,
    )
    assert {each.spec for each in found} == set(table.rows)


def test_what_it_takes_to_reach_a_share(files: Path, benchmarks: dict[str, ModuleType]) -> None:
    """The whole table reaches all shares, and its slowest and best student by itself none."""
    table, trained = _load(files, benchmarks), benchmarks["tabulated"].Trained
    best = max(table.rows, key=table.ao)
    never = benchmarks["samplers"].needed(table, [trained(best, 8)])
    whole = benchmarks["samplers"].needed(table, [trained(name, 8 * n) for n, name in enumerate(table.rows, 1)])
    assert [each[1] for each in never] == [float("inf")] * 3
    assert [each[1] for each in whole] == sorted(each[1] for each in whole)
    assert whole[-1][1] <= 12
