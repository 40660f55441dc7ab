"""Ways of training: the table by hand, and rows that are appended and read again."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

_MODULES = ("recipes", "recipe_arms", "csv_files", "table")


@pytest.fixture(scope="module")
def recipes() -> Iterator[ModuleType]:
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(Path(__file__).parents[2] / "benchmarks"))
        import recipes

        yield recipes
    for name in _MODULES:
        sys.modules.pop(name, None)


def _row(arm: str, seed: int, *overlaps: float) -> dict[str, str]:
    return {
        "student": "4 layers",
        "arm": arm,
        "seed": str(seed),
        "train_s": "10.0",
        "sequences": " ".join(str(each) for each in overlaps),
    }


def test_differences_are_paired_by_seed_and_sequence(recipes: ModuleType) -> None:
    rows = [
        _row("default", 0, 0.5, 0.7),
        _row("default", 1, 0.6, 0.8),
        _row("no imitation", 0, 0.4, 0.6),
        _row("no imitation", 1, 0.4, 0.6),
        _row("replacement", 1, 0.7, 0.8),
        _row("first layers", 2, 0.9, 0.9),
    ]
    lines = [[cell.strip() for cell in line.split("|")[1:-1]] for line in recipes.table(rows).splitlines()[2:]]
    assert lines == [
        ["4 layers", "default", "0.650", "", "", "", "2", "10"],
        ["4 layers", "no imitation", "0.500", "-0.150", "0.000", "0.050", "2", "10"],
        ["4 layers", "replacement", "0.750", "+0.050", lines[2][4], "", "1", "10"],
    ], "the arm of a seed without the default is left out"
    assert 0.02 < float(lines[2][4]) < 0.05, "of 0.1 and 0.0"


def test_every_arm_is_of_known_students_and_says_in_what_it_differs(recipes: ModuleType) -> None:
    assert len({arm.name for arm in recipes.ARMS}) == len(recipes.ARMS)
    assert recipes.ARMS[0].name == "default"
    for arm in recipes.ARMS:
        assert set(arm.students) <= set(recipes.STUDENTS)
        assert arm.differs or arm.name == "default"


def test_a_row_that_was_cut_short_is_trained_again(recipes: ModuleType, tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    recipes.begin_rows(path, ["arm", "ao"], head="# command: python\n")
    recipes.append_row(path, ["one, quoted", 0.5])
    with path.open("a") as file:
        file.write("two,0.")
    assert recipes.read(path) == [{"arm": "one, quoted", "ao": "0.5"}]
    recipes.begin_rows(path, ["arm", "ao"], head="# another\n")
    recipes.append_row(path, ["two", 0.25])
    assert path.read_text() == '# command: python\narm,ao\n"one, quoted",0.5\ntwo,0.25\n'
