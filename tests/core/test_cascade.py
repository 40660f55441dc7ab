"""A cascade as a value: its id, what makes none, and its execution paths."""

from __future__ import annotations

from dataclasses import replace

import pytest

from compress.core import (
    ACCURATE_ASKED,
    FAST_ALONE,
    BypassSpec,
    CascadeSpec,
    ExitSpec,
    HeadSpec,
    TrackerSpec,
    UsageError,
    describe,
    exit_shares,
    mean_layers,
    path_rows,
    worst_path,
)

TEACHER = describe("ostrack-nano")
FAST = replace(TEACHER, layers=TEACHER.layers[:4])
CASCADE = CascadeSpec(FAST, TEACHER, 0.5)


def test_the_id_knows_all_of_it_and_survives_json() -> None:
    assert CascadeSpec.from_dict(CASCADE.to_dict()) == CASCADE
    others = [replace(CASCADE, threshold=0.6), replace(CASCADE, fast=replace(FAST, layers=FAST.layers[:3]))]
    assert len({CASCADE.id, *(each.id for each in others)}) == 3
    assert CASCADE.id.startswith("c")


def test_its_paths_are_those_of_two_exits() -> None:
    paths = {FAST_ALONE: 3, ACCURATE_ASKED: 1}
    for path in paths:
        path.check(CASCADE)
    assert exit_shares(paths, CASCADE) == (0.75, 0.25)
    assert mean_layers(paths, CASCADE) == (3 * 4 + 16) / 4
    assert worst_path(CASCADE) == ACCURATE_ASKED
    assert path_rows(paths)[0] == {"skipped": [], "exit": 0, "frames": 3}


@pytest.mark.parametrize(
    ("fast", "problem"),
    [
        (TEACHER, "the same"),
        (replace(FAST, bypass=BypassSpec()), r"fast tracker t\w+ decides by itself .*bypass"),
        (replace(FAST, exits=(ExitSpec(2), ExitSpec(4))), "fast.*exits"),
        (replace(FAST, head=HeadSpec(kind="corner")), "corner head gives distributions and no score"),
        (replace(describe("mixformerv2-s"), head=HeadSpec(kind="tokens", bins=96)), "no score head"),
        (describe("mixvit-b"), "pyramid head"),
    ],
)
def test_what_makes_no_cascade_is_named(fast: TrackerSpec, problem: str) -> None:
    with pytest.raises(UsageError, match=problem):
        CascadeSpec(fast, TEACHER, 0.5)


@pytest.mark.parametrize("threshold", [-0.1, 1.1, float("nan")])
def test_thresholds_lie_among_scores(threshold: float) -> None:
    with pytest.raises(UsageError, match="threshold must be in"):
        CascadeSpec(FAST, TEACHER, threshold)
    CascadeSpec(describe("mixformerv2-s"), describe("mixvit-b"), 0.5)
