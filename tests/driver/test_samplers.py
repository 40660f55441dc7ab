"""Samplers: every registered one draws by its seed, and something else in a continued study."""

from __future__ import annotations

from pathlib import Path

import optuna
import pytest

from compress.core import UsageError
from compress.driver.samplers import SAMPLERS
from compress.driver.study import open_study


def _draws(study: optuna.Study, count: int = 4) -> list[int]:
    """Of a knob with so many values that no two draws agree by chance."""
    found = []
    for _ in range(count):
        trial = study.ask()
        found.append(trial.suggest_categorical("knob", range(1000)))
        trial.set_constraint("latency", -1.0)
        study.tell(trial, [1.0, 0.5])
    return found


@pytest.mark.parametrize("name", SAMPLERS.names())
@pytest.mark.filterwarnings("ignore::optuna.exceptions.ExperimentalWarning")
def test_a_study_that_goes_on_draws_what_it_has_not_drawn(name: str, tmp_path: Path) -> None:
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
    begun = _draws(open_study(tmp_path / "a", sampler=name, seed=3))
    assert _draws(open_study(tmp_path / "b", sampler=name, seed=3)) == begun
    assert not set(_draws(open_study(tmp_path / "a", sampler=name, seed=3))) & set(begun)


def test_an_unknown_one_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="Unknown sampler 'tpee'. Did you mean tpe"):
        open_study(tmp_path, sampler="tpee", seed=0)
