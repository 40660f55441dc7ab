"""A strategy from outside the package: this file and one registration, and a real search goes by it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from compress import search
from compress.core import UsageError
from compress.driver import SearchSettings
from compress.driver.jobs import TrialJob, TrialResult
from compress.driver.strategies import STRATEGIES
from compress.driver.trials import Trials
from compress.testing.small_teacher import SMALL


class OneRung:
    """Every student is scored with inherited weights, and goes no further."""

    def __init__(self, trials: Trials, settings: SearchSettings) -> None:
        self._trials, self._left = trials, settings.students - trials.trained

    @property
    def done(self) -> bool:
        return self._left <= 0

    @property
    def planned_work(self) -> float:
        return self._trials.work[0] * self._left

    def propose(self, count: int) -> list[TrialJob]:
        asked = self._trials.ask(min(count, self._left))
        self._left = self._left - len(asked) if asked else 0
        return [self._trials.job(number, rung=0) for number in asked]

    def observe(self, result: TrialResult) -> None:
        self._trials.finish(result.trial)

    def stop(self) -> None:
        self._left = 0


@pytest.fixture(scope="module", autouse=True)
def registered() -> Iterator[None]:
    STRATEGIES.register("one-rung", OneRung)
    yield
    STRATEGIES.remove("one-rung")


def test_a_search_goes_by_it(tmp_path: Path, weights: str, data: str) -> None:
    settings = {"teacher": SMALL, "weights": weights, "data": data, "target": "agx", "pool": 64, "sampler": "random"}
    found = search(out=tmp_path / "run", strategy="one-rung", trials=3, device="cpu", **settings)
    done = [record for record in found.records if record.status == "done"]
    assert [record.fidelity for record in done] == ["rung-0"] * 3
    assert all(record.accuracy for record in done)
    assert found.settings["strategy"] == "one-rung"
    assert not (tmp_path / "run" / "checkpoints").exists(), "nothing was trained"
    more = search(out=tmp_path / "run", strategy="one-rung", trials=4, device="cpu", **settings)
    assert [record.variant for record in more.records if record.status == "done"][:3] == [r.variant for r in done]
    assert len([record for record in more.records if record.status == "done"]) == 4


def test_an_unknown_one_is_refused_before_anything_is_written(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="Unknown strategy 'one-rnug'. Did you mean one-rung"):
        search(out=tmp_path / "run", strategy="one-rnug")
    assert not (tmp_path / "run").exists()
