"""Kept scores: round trip, those of earlier versions, and those that do not tell enough."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from compress.core import Accuracy, BypassSpec, ExecutionPath, describe
from compress.driver.scores import Score, read_score, write_score

STATIC = describe("ostrack-nano")
ADAPTIVE = replace(STATIC, bypass=BypassSpec(n_enf=2))
ACCURACY = Accuracy(0.5, 0.5, 0.01, 0.5, 0.4, 0.5, 0.6, 0.6, 3, 90)
WAYS = {ExecutionPath(frozenset({2, 5})): 80, ExecutionPath(frozenset()): 10}


@pytest.mark.parametrize(("spec", "score"), [(STATIC, Score(ACCURACY)), (ADAPTIVE, Score(ACCURACY, WAYS))])
def test_round_trip(tmp_path: Path, spec: object, score: Score) -> None:
    write_score(tmp_path / "s.json", score)
    assert read_score(tmp_path / "s.json", spec) == score  # type: ignore[arg-type]


def test_scores_of_static_trackers_are_kept_as_they_ever_were(tmp_path: Path) -> None:
    (tmp_path / "old.json").write_text(json.dumps(ACCURACY.to_dict()))
    assert read_score(tmp_path / "old.json", STATIC) == Score(ACCURACY)
    write_score(tmp_path / "new.json", Score(ACCURACY))
    assert (tmp_path / "new.json").read_text() == (tmp_path / "old.json").read_text()


def test_an_adaptive_tracker_is_scored_again_where_its_paths_are_unknown(tmp_path: Path) -> None:
    write_score(tmp_path / "s.json", Score(ACCURACY))
    assert read_score(tmp_path / "s.json", ADAPTIVE) is None


@pytest.mark.parametrize("text", ["", "[1]", "{}", '{"paths": 3}', '{"paths": [{"skipped": [99]}]}', "null"])
def test_damaged_scores_count_as_none(tmp_path: Path, text: str) -> None:
    (tmp_path / "s.json").write_text(text)
    assert read_score(tmp_path / "s.json", ADAPTIVE) is None
    assert read_score(tmp_path / "none.json", ADAPTIVE) is None
