"""What a study says of a plan, read with suspicion."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import optuna
import pytest

from compress.archive import STUDY, Archive, Plan, read_archive, read_knobs, storage_url, store_plan
from compress.core import FileError, LatencyConstraint
from compress.testing.synthetic_run import RECORDS, plan_facts, planned, planned_teacher, write_synthetic_run


def test_round_trip_through_json() -> None:
    facts = plan_facts()
    assert Plan.from_dict(json.loads(json.dumps(facts.to_dict()))) == facts
    assert Plan.from_dict(None) is None


@pytest.mark.parametrize(
    "change",
    [
        {"estimated": -1},
        {"estimated": True},
        {"whole": 1},
        {"max_error": float("inf")},
        {"notes": "one"},
        {"commands": [1]},
        {"space": None},
        {"surprise": 1},
    ],
)
def test_damaged_facts_are_refused(change: dict[str, Any]) -> None:
    with pytest.raises(FileError, match="plan"):
        Plan.from_dict(plan_facts().to_dict() | change)


def test_a_study_says_whether_it_is_a_plan(tmp_path: Path) -> None:
    run = write_synthetic_run(tmp_path / "run")
    assert read_archive(run).plan is None
    study = optuna.load_study(study_name=STUDY, storage=storage_url(run))
    store_plan(study, plan_facts())
    assert read_archive(run).plan == plan_facts()


def test_front_of_a_plan() -> None:
    slow, beaten, fast = planned(0, 8, 16.0, 0.66), planned(1, 8, 16.5, 0.65), planned(2, 3, 9.0, 0.55)
    over = planned(3, 9, 17.0, 0.7, status="rejected")
    archive = Archive(Path("r"), planned_teacher(), (slow, beaten, fast, over), LatencyConstraint(16.7))
    assert archive.fidelity == "prior"
    assert archive.front("prior") == [fast, slow]
    assert archive.front() == []


def test_knobs_of_a_run(tmp_path: Path) -> None:
    run = write_synthetic_run(tmp_path / "run")
    assert read_knobs(run) == {record.variant: {} for record in RECORDS}
    with pytest.raises(FileError, match="no study"):
        read_knobs(tmp_path)
