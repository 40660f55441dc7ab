"""Thresholds: the best there are for a speed, on recorded scores and on a small tracker that is really run."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise, product
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from click.testing import CliRunner, Result

from compress.cli.specs import read_spec
from compress.cli.thresholds import command
from compress.core import (
    BypassSpec,
    CompressError,
    ExecutionPath,
    ExitSpec,
    InfeasibleError,
    Store,
    TrackerSpec,
    UsageError,
)
from compress.data import load_sequences
from compress.driver.exit_thresholds.exit_scores import ExitScores, exit_scores
from compress.driver.exit_thresholds.selection import choose, estimate_thresholds
from compress.evaluate import evaluate
from compress.geometry import LoopSettings
from compress.latency.estimated import estimate_latency, load_estimated
from compress.models import NumpyNetwork
from compress.runtime.thresholds import check_exits, with_thresholds
from compress.testing.trained_run import SPEC, STATIC, lively, write_trained_run

CPU = torch.device("cpu")
TWO = replace(STATIC, exits=(ExitSpec(1), ExitSpec(4)))
THREE = replace(STATIC, exits=(ExitSpec(1), ExitSpec(2), ExitSpec(4)))


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def _ms(path: ExecutionPath) -> float:
    return (1.0, 1.75, 3.0)[path.exit or 0] - 0.25 * len(path.skipped or ())


def _recorded(exits: int, frames: int, seed: int = 0) -> ExitScores:
    """Scores that know something of the IoU, in steps, so that some are equal."""
    rng = np.random.default_rng(seed)
    ious = rng.random((frames, exits)) ** 0.5
    scores = np.round(np.clip(ious + rng.normal(0, 0.2, ious.shape), 0.01, 0.99), 1).astype(np.float32)
    return ExitScores(scores, ious, np.zeros((frames, 4), dtype=bool))


def _every_threshold(column: np.ndarray) -> list[float]:
    return [0.0, *((a + b) / 2 for a, b in pairwise(np.unique(column).tolist())), 1.0]


@pytest.mark.parametrize("spec", [TWO, THREE], ids=["two", "three"])
@pytest.mark.parametrize("max_ms", [1.2, 1.6, 2.0, 9.0])
def test_no_other_thresholds_do_better(spec: TrackerSpec, max_ms: float) -> None:
    exits = len(spec.exits)
    scores = _recorded(exits, frames=30)
    found = choose(scores, spec, _ms, max_ms)
    tried = product(*(_every_threshold(scores.scores[:, k]) for k in range(exits - 1)))
    others = [estimate_thresholds(scores, spec, taus, _ms) for taus in tried]
    best = max(other.iou for other in others if other.ms <= max_ms)
    assert found.iou == pytest.approx(best, abs=1e-12)
    assert found.ms <= max_ms
    assert sum(found.paths.values()) == 30


def test_expectation_by_hand() -> None:
    """Of four frames the first leaves at once, the second one later although its first exit was no worse."""
    scores = np.array([[0.8, 0.1, 0.0], [0.5, 0.7, 0.0], [0.2, 0.6, 0.0], [0.2, 0.2, 0.9]], dtype=np.float32)
    ious = np.array([[0.9, 0.0, 0.0], [0.8, 0.7, 0.0], [0.0, 0.0, 0.3], [0.0, 0.0, 0.5]])
    skipped = np.array([[0, 1, 0, 0], [0, 1, 0, 1], [0, 0, 0, 0], [0, 1, 0, 1]], dtype=bool)
    spec = replace(THREE, bypass=BypassSpec(n_enf=1))
    found = estimate_thresholds(ExitScores(scores, ious, skipped), spec, (0.5, 0.6), _ms)
    # A score that equals its threshold does not leave; layers behind the exit are not skipped but never met.
    assert found.paths == {
        ExecutionPath(frozenset(), 0): 1,
        ExecutionPath(frozenset({1}), 1): 1,
        ExecutionPath(frozenset(), 2): 1,
        ExecutionPath(frozenset({1, 3}), 2): 1,
    }
    assert found.iou == pytest.approx((0.9 + 0.7 + 0.3 + 0.5) / 4)
    assert found.ms == pytest.approx((1.0 + 1.5 + 3.0 + 2.5) / 4)


def test_a_speed_beyond_reach_is_told() -> None:
    with pytest.raises(InfeasibleError, match="2000 fps were asked for.*expected to reach 1000 fps"):
        choose(_recorded(3, 20), THREE, _ms, 0.5)


@pytest.mark.parametrize("spec", [STATIC, replace(STATIC, exits=(ExitSpec(4),)), replace(STATIC, bypass=BypassSpec())])
def test_trackers_without_early_exits_have_no_threshold(spec: TrackerSpec) -> None:
    with pytest.raises(UsageError, match="no early exits"):
        check_exits(spec)


def test_thresholds_change_the_id_and_no_weights() -> None:
    spec = with_thresholds(THREE, (0.25, 0.75))
    assert [each.tau for each in spec.exits] == [0.25, 0.75, 0.5]
    assert spec.weights_id == THREE.weights_id
    assert spec.id != THREE.id
    with pytest.raises(UsageError, match="2 exits before the last, but 1 thresholds"):
        with_thresholds(THREE, (0.5,))
    with pytest.raises(UsageError, match=r"tau must be in \[0, 1\]"):
        with_thresholds(THREE, (0.5, 1.5))


def test_scores_are_those_of_the_tracker(data: str, tmp_path: Path) -> None:
    """Along the last exit's boxes; on the first tracked frame, where all see one crop, every exit has its own box."""
    model, sequences = lively(SPEC), load_sequences(data)
    done: list[tuple[str, float]] = []
    settings: dict[str, Any] = {"data": "two", "device": CPU, "store": Store(tmp_path)}
    settings |= {"progress": lambda text, share, _=None: done.append((text, share))}
    found = exit_scores(model, sequences, **settings)
    network, loop = NumpyNetwork(model), LoopSettings.of(SPEC)
    for k in range(3):
        alone = evaluate(network.along(ExecutionPath(exit=k)), loop, sequences)
        overlaps = [score.overlaps for score in alone.per_sequence]
        firsts = np.cumsum([0, *(len(each) for each in overlaps)])[:-1]
        np.testing.assert_allclose(found.ious[firsts, k], [each[0] for each in overlaps], atol=1e-5)
        if k == 2:
            np.testing.assert_allclose(found.ious[:, k], np.concatenate(overlaps), atol=1e-5)
            assert {row[2] for row in found.paths(SPEC)} == set(alone.paths)
    assert not np.allclose(found.ious[:, 0], found.ious[:, 2])
    assert done == [("sequence 1 of 2", 0.5), ("sequence 2 of 2", 1.0)]
    again = exit_scores(model, sequences, **settings)
    assert len(done) == 2
    np.testing.assert_array_equal(again.scores, found.scores)
    np.testing.assert_array_equal(again.skipped, found.skipped)


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory, data: str) -> Path:
    return write_trained_run(tmp_path_factory.mktemp("trained") / "run", data)


def _run(trained: Path, *words: str) -> Result:
    return CliRunner().invoke(command, [str(trained), *words, "--exit-ms", "1,1.75,3", "--device", "cpu", "--quiet"])


def _json(trained: Path, *words: str) -> dict[str, Any]:
    result = _run(trained, *words, "--json")
    assert result.exception is None, result.exception
    return json.loads(result.stdout)


def test_a_speed_gives_a_spec_of_the_same_weights(trained: Path) -> None:
    found = _json(trained, "--variant", "v000", "--fps", "600")
    assert found["file"] == str(trained / "thresholds" / "v000-600fps.json")
    spec = read_spec(found["file"])
    assert (spec.id, spec.weights_id) == (found["id"], SPEC.weights_id)
    assert found["expected"]["ms"] <= 1000 / 600
    for figures in (found["expected"], found["tracked"]):
        frames = sum(row["frames"] for row in figures["paths"])
        mean = sum((1, 1.75, 3)[row["exit"]] * row["frames"] for row in figures["paths"]) / frames
        assert figures["ms"] == pytest.approx(mean)
    assert json.loads(Path(found["file"]).read_text())["variant"] == "v000"


def test_thresholds_by_hand(trained: Path, tmp_path: Path) -> None:
    out = tmp_path / "fast.json"
    result = _run(trained, "--variant", "v000", "--tau", "1,0", "--out", str(out))
    assert result.exception is None, result.exception
    assert [each.tau for each in read_spec(str(out)).exits] == [1.0, 0.0, 0.5]
    assert "571 fps" in result.stdout
    assert "exits taken: 0 by 0%, 1 by 100%, 2 by 0%" in result.stdout


def test_estimated_targets_tell_the_time_of_a_path(trained: Path, tmp_path: Path) -> None:
    run = shutil.copytree(trained, tmp_path / "run")
    config = run / "config.yaml"
    config.write_text(config.read_text().replace("target: cpu", "target: agx"))
    words = [str(run), "--variant", "v000", "--tau", "1,0", "--device", "cpu", "--quiet", "--json"]
    result = CliRunner().invoke(command, words)
    assert result.exception is None, result.exception
    tracked = json.loads(result.stdout)["tracked"]
    agx = load_estimated("agx")
    each = [
        (estimate_latency(agx, SPEC, skipped=row["skipped"], exit=1).mean_ms, row["frames"]) for row in tracked["paths"]
    ]
    assert tracked["ms"] == pytest.approx(sum(ms * n for ms, n in each) / sum(n for _, n in each))


@pytest.mark.parametrize(
    ("words", "kind", "said"),
    [
        (["--variant", "v001", "--fps", "10"], UsageError, "no early exits"),
        (["--variant", "v009", "--fps", "10"], UsageError, "Unknown variant 'v009'"),
        (["--variant", "v000", "--fps", "5000"], InfeasibleError, "expected to reach 1000 fps"),
        (["--variant", "v000"], UsageError, "either --fps N"),
        (["--variant", "v000", "--tau", "0.5"], UsageError, "2 exits before the last"),
        (["--variant", "v002", "--fps", "10"], CompressError, "no weights"),
    ],
)
def test_what_cannot_be_is_said(trained: Path, words: list[str], kind: type[CompressError], said: str) -> None:
    result = _run(trained, *words)
    assert isinstance(result.exception, kind)
    assert said in str(result.exception)
