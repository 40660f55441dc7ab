"""Measuring what was trained on a machine that is busy at first: real runs and networks, times that are made up."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import optuna
import pytest

from compress.archive import STUDY, read_archive, storage_url, write_trials_csv
from compress.core import ExecutionPath, FileError, Latency, TrackerSpec
from compress.driver.remeasure import Remeasurer
from compress.measure import Target
from compress.models import Tracker, build, save_weights
from compress.report import noise_sentence
from compress.testing.trained_run import SPEC, STATIC, lively, write_trained_run


@dataclass
class _Timer:
    """Times with one noise after the other."""

    noises: list[float]
    calls: list[list[str]] = field(default_factory=list)

    def __call__(
        self,
        trackers: Mapping[str, Tracker | TrackerSpec],
        *,
        paths: Mapping[str, Mapping[ExecutionPath, int]] | None,
        threads: int,
        runs: int,
        progress: Any,
    ) -> dict[str, Latency]:
        self.calls.append(list(trackers))
        noise = self.noises.pop(0)
        found = Latency(1 + noise, 1.0, 1.0, 1.0, 0.5, "measured", 9, 1, 1, "made up", "made up", noise=noise)
        return dict.fromkeys(trackers, found)


def _remeasurer(run: Path, timer: _Timer, **changes: Any) -> Remeasurer:
    source: Any = None
    study = optuna.load_study(study_name=STUDY, storage=storage_url(run))
    target = Target("made-up", "made up", "fp32", "made up", source, timer)
    known = {"settings": {"speedup": 0.5}, "threads": 1, "teacher": build(STATIC), "pauses_s": (0.0, 0.0)}
    return Remeasurer(study, run, target=target, **(known | {"restore": _never} | changes))


def _never(spec: TrackerSpec) -> None:
    pytest.fail("nothing is lost")


@pytest.fixture(autouse=True)
def _steady(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("compress.driver.remeasure.STEADY", 0.05)


@pytest.fixture
def run(tmp_path: Path) -> Path:
    folder, untrained = write_trained_run(tmp_path / "run", "generated"), replace(SPEC, recycling="a")
    save_weights(lively(untrained), folder / "checkpoints" / f"{untrained.weights_id}.safetensors")
    return folder


def test_measured_until_it_is_steady(run: Path) -> None:
    timer = _Timer([0.4, 0.2, 0.01, 0.0])
    archive = _remeasurer(run, timer).run()
    assert timer.calls == [["teacher", "v000", "v001", "v002"]] * 3
    assert {record.measured.noise for record in archive.records if record.measured} == {0.01}
    _remeasurer(run, timer).run()
    assert len(timer.calls) == 3, "all is measured"


def test_the_least_noisy_is_kept_said_and_measured_again_by_the_next_search(run: Path, tmp_path: Path) -> None:
    timer = _Timer([0.4, 0.2, 0.3, 0.02])
    archive = _remeasurer(run, timer).run()
    assert len(timer.calls) == 3
    assert archive.noise == 0.2
    assert "may be off by another 20%" in noise_sentence(archive)
    write_trials_csv(archive, tmp_path / "trials.csv")
    assert ",0.2," in (tmp_path / "trials.csv").read_text()
    archive = _remeasurer(run, timer).run()
    assert len(timer.calls) == 4
    assert archive.noise == 0.02 == read_archive(run).noise


@pytest.mark.parametrize("damage", ["lost", "damaged"])
def test_weights_that_are_gone_are_restored(run: Path, damage: str) -> None:
    path = run / "checkpoints" / f"{STATIC.weights_id}.safetensors"
    whole, restored = path.read_bytes(), []

    def restore(spec: TrackerSpec) -> None:
        restored.append(spec)
        path.write_bytes(whole)

    path.unlink() if damage == "lost" else path.write_bytes(whole[:1000])
    _remeasurer(run, _Timer([0.0]), restore=restore).run()
    assert restored == [STATIC]
    path.write_bytes(b"")
    with pytest.raises(FileError):
        _remeasurer(run, _Timer([0.0]), restore=lambda spec: None)._network(read_archive(run).variant("v001"))
