"""Where the time of a search went: jobs and what is beside them, over all sessions."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import optuna

from compress.archive import Archive, TimeSpent, add_phases, time_sentence, time_spent
from compress.core import LatencyConstraint
from compress.report.sections import time_table
from compress.testing.synthetic_run import record, teacher


def _archive() -> Archive:
    rungs = [
        (
            {"fidelity": "elastic", "phases": {"scoring": 2.0}},
            {"fidelity": "full", "phases": {"training": 30.0, "scoring": 5.0}},
        ),
        ({"fidelity": "elastic", "phases": {"scoring": 3.0}},),
        ({"fidelity": "elastic"},),  # of an older version
        ({"fidelity": "elastic", "phases": {"scoring": "much", "training": -1, "odd": True}},),  # no seconds
    ]
    records = tuple(replace(record(i, 3, 0.5, 0.5), rungs=each) for i, each in enumerate(rungs))
    return Archive(Path("run"), teacher(), records, LatencyConstraint(2.0), phases={"latency profile": 20.0})


def test_phases_of_all_jobs_and_of_the_search_are_added_up() -> None:
    found = time_spent(_archive())
    assert found == [
        TimeSpent("training", 30.0, 1),
        TimeSpent("latency profile", 20.0, 0),
        TimeSpent("scoring", 10.0, 3),
    ]
    sentence = time_sentence(_archive())
    assert "training 30 s (50%), latency profile 20 s (33%), scoring 10 s (17%)." in sentence
    cells = [[cell.text for cell in row.cells] for row in time_table(_archive()).rows]
    assert cells[0] == ["training", "30.0", "50%", "1"]
    assert cells[1][3] == "–"


def test_nothing_known_is_nothing_said() -> None:
    archive = replace(_archive(), records=(record(0, 3, 0.5, 0.5),), phases={})
    assert time_sentence(archive) == ""
    assert time_table(archive).rows == ()


def test_sessions_add_up() -> None:
    study = optuna.create_study()
    assert add_phases(study, {"latency profile": 2.0}) == {"latency profile": 2.0}
    assert add_phases(study, {"latency profile": 0.5, "report": 1.0}) == {"latency profile": 2.5, "report": 1.0}
