"""One seed proposes the same students first, whatever runs them, and they come out alike."""

from __future__ import annotations

from pathlib import Path

import pytest

from compress import search
from compress.archive import Archive
from compress.driver.executors import EXECUTORS
from compress.testing.small_teacher import SMALL

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore::FutureWarning")]


def test_the_same_seed_gives_the_same_first_proposals_under_every_executor(
    tmp_path: Path, weights: str, data: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def found(executor: str) -> Archive:
        monkeypatch.setenv("COMPRESS_HOME", str(tmp_path / f"home-{executor}"))
        settings = {
            "teacher": SMALL,
            "weights": weights,
            "data": data,
            "target": "agx",
            "steps": 2,
            "pool": 64,
            "workers": 2,
        }
        return search(out=tmp_path / executor, trials=6, members=2, executor=executor, device="cpu", **settings)

    runs = {name: found(name) for name in EXECUTORS.names()}
    assert {"inline", "local", "ray"} <= set(runs)
    first = {name: [record.spec for record in run.records][:6] for name, run in runs.items()}
    assert all(specs == first["inline"] for specs in first.values())
    scores = {name: sorted((r.variant, r.fidelity, r.ao) for r in run.records) for name, run in runs.items()}
    assert all(each == scores["inline"] for each in scores.values())
