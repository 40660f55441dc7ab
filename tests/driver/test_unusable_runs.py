"""A run that was damaged between two searches is refused by the second, which changes nothing of it."""

from __future__ import annotations

import contextlib
import os
import shutil
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import optuna
import pytest

from compress import search
from compress.archive import read_archive, storage_url
from compress.core import FileError
from compress.testing.small_teacher import SMALL

_SMALL: dict[str, Any] = {"teacher": SMALL, "target": "agx", "trials": 1, "generation": 1, "device": "cpu"}
_SMALL |= {"steps": 2, "pool": 64}


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory, weights: str, data: str) -> Path:
    folder = tmp_path_factory.mktemp("unusable") / "run"
    search(out=folder, weights=weights, data=data, **_SMALL)
    return folder


@pytest.fixture
def run(whole: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(whole, tmp_path / "run"))


def _empty(run: Path) -> None:
    (run / "study.db").write_bytes(b"")


def _gone(run: Path) -> None:
    (run / "study.db").unlink()


def _link_to_device(run: Path) -> None:
    (run / "study.db").unlink()
    (run / "study.db").symlink_to("/dev/zero")


def _other_study(run: Path) -> None:
    (run / "study.db").unlink()
    storage = optuna.storages.RDBStorage(storage_url(run))
    optuna.create_study(study_name="mine", storage=storage)
    storage.remove_session()
    storage.engine.dispose()


def _other_search(run: Path) -> None:
    _execute(run, "UPDATE study_user_attributes SET value_json = '\"of another\"' WHERE key = 'content'")


def _other_space(run: Path) -> None:
    _execute(run, "UPDATE trial_params SET distribution_json = replace(distribution_json, '[', '[99, ')")


def _same_names(run: Path) -> None:
    _execute(run, "UPDATE trial_user_attributes SET value_json = replace(value_json, '\"v000\"', '\"teacher\"')")


def _execute(run: Path, statement: str) -> None:
    with contextlib.closing(sqlite3.connect(run / "study.db")) as connection, connection:
        assert connection.execute(statement).rowcount > 0


def _config(text: str) -> Callable[[Path], None]:
    def damage(run: Path) -> None:
        (run / "config.yaml").write_text(text)

    damage.__name__ = f"config {text[:12]}"
    return damage


_MAY_CHANGE = ("environment.json", "log.txt", "config.yaml")
"""What a search says of itself; `trials` in config.yaml is what is asked for now."""

_BOMB = "a: &a [x, x]\n" + "".join(f"{b}: &{b} [*{a}, *{a}]\n" for a, b in zip("abcdefgh", "bcdefghi", strict=True))


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (_empty, "is no study of a search"),
        (_gone, r"holds results of a search \(checkpoints, .*\) but no study\.db"),
        (_link_to_device, "is a device"),
        (_other_study, "holds no study named"),
        (_other_search, "belongs to another search than config.yaml"),
        (_other_space, "drawn from another space: .* offered 99, "),
        (_same_names, "names several variants alike"),
        (_config(_BOMB), "aliases are not allowed"),
        (_config("[" * 10_000), "nested deeper|nesting depth"),
        (_config("- 1"), "does not hold settings"),
        (_config("x" * 300_000), "larger than"),
        (_config("seed: [1]\nfingerprints: {data: [2], space: 7}"), "holds another search: .*seed is a list of 1"),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_refused_and_left_as_it_is(
    run: Path, weights: str, data: str, damage: Callable[[Path], None], words: str
) -> None:
    damage(run)
    kept = {path: path.read_bytes() for path in run.rglob("*") if path.is_file() and path.name not in _MAY_CHANGE}
    with pytest.raises(FileError, match=words):
        search(out=run, weights=weights, data=data, **(_SMALL | {"trials": 2}))
    assert {path: path.read_bytes() for path in kept} == kept
    assert os.path.lexists(run / "study.db") or damage is _gone


def test_locked_by_another_process(run: Path, weights: str, data: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("compress.archive.study_file._WAIT_S", 0.1)
    with contextlib.closing(sqlite3.connect(run / "study.db", isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        with pytest.raises(FileError, match="is locked by .*wait until that has ended"):
            search(out=run, weights=weights, data=data, **(_SMALL | {"trials": 2}))
    assert len(search(out=run, weights=weights, data=data, **(_SMALL | {"trials": 2})).records) >= 2


@pytest.mark.parametrize("text", ["threads: many", "teacher: [1]", "weights: {a: 1}", "data: 7", "fingerprints: 3"])
def test_settings_of_wrong_types(run: Path, text: str) -> None:
    """What other commands go by is checked when the run is read."""
    (run / "config.yaml").write_text(text + "\n")
    with pytest.raises(FileError, match=rf"config\.yaml\.{text.partition(':')[0]}"):
        read_archive(run)
