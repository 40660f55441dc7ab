"""Ways: what they hold, and figures over many frames."""

from __future__ import annotations

import json
import math
from dataclasses import replace

import pytest

from compress.core import (
    BypassSpec,
    ExecutionPath,
    ExitSpec,
    LayerSpec,
    TrackerSpec,
    UsageError,
    exit_shares,
    mean_layers,
    path_rows,
)

BYPASS = TrackerSpec(dim=8, heads=2, layers=tuple(LayerSpec(i, 8) for i in range(6)), bypass=BypassSpec(n_enf=2))
BOTH = replace(BYPASS, exits=(ExitSpec(2), ExitSpec(4), ExitSpec(6)))


@pytest.mark.parametrize(
    ("spec", "path", "layers"),
    [
        (BYPASS, ExecutionPath(frozenset()), 6),
        (BYPASS, ExecutionPath(frozenset({2, 5})), 4),
        (BOTH, ExecutionPath(frozenset(), 0), 2),
        (BOTH, ExecutionPath(frozenset({3}), 1), 3),
        (BOTH, ExecutionPath(frozenset({2, 3, 4, 5}), 2), 2),
        (BOTH, ExecutionPath(None, 1), 4),
    ],
)
def test_layers_of_a_path(spec: TrackerSpec, path: ExecutionPath, layers: int) -> None:
    path.check(spec)
    assert path.layers(spec) == layers


def test_a_path_that_a_tracker_does_not_have_is_named() -> None:
    with pytest.raises(UsageError, match=r"layers 2 to 5, but the path skips \[1\]"):
        ExecutionPath(frozenset({1})).check(BOTH)
    with pytest.raises(UsageError, match="3 exits, counted from 0, but the path takes 3"):
        ExecutionPath(exit=3).check(BOTH)


def test_figures_over_many_frames() -> None:
    paths = {
        ExecutionPath(frozenset(), 0): 3,
        ExecutionPath(frozenset({2}), 1): 1,
        ExecutionPath(frozenset({2, 4}), 2): 4,
    }
    assert mean_layers(paths, BOTH) == (3 * 2 + 3 + 4 * 4) / 8
    assert exit_shares(paths, BOTH) == (3 / 8, 1 / 8, 4 / 8)
    assert exit_shares(paths, BYPASS) == ()
    assert exit_shares({}, BOTH) == ()
    assert math.isnan(mean_layers({}, BOTH))
    assert json.loads(json.dumps(path_rows(paths))) == [
        {"skipped": [2, 4], "exit": 2, "frames": 4},
        {"skipped": [], "exit": 0, "frames": 3},
        {"skipped": [2], "exit": 1, "frames": 1},
    ]
