"""Files that are no study of a search, of every kind: refused in words, at once, and left as they are."""

from __future__ import annotations

import contextlib
import os
import shutil
import sqlite3
from collections.abc import Callable
from pathlib import Path

import optuna
import pytest

from compress.archive import STUDY, new_study_file, read_archive, read_study, storage_url
from compress.core import FileError
from compress.testing.synthetic_run import CONFIG, record, write_synthetic_run


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_synthetic_run(tmp_path_factory.mktemp("runs") / "run")


@pytest.fixture
def run(whole: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(whole, tmp_path / "run"))


def _execute(run: Path, *statements: str) -> None:
    with contextlib.closing(sqlite3.connect(run / "study.db")) as connection, connection:
        for statement in statements:
            connection.execute(statement)


def _empty(path: Path) -> None:
    path.write_bytes(b"")


def _text(path: Path) -> None:
    path.write_text("<html>404</html>")


def _truncated(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-10_000])


def _scrambled(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[4096:8192] = bytes(4096)
    path.write_bytes(bytes(data))


def _folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


def _pipe(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


def _device(path: Path) -> None:
    path.unlink()
    path.symlink_to("/dev/zero")


def _sparse(path: Path) -> None:
    os.truncate(path, 2**40)


def _other_study(path: Path) -> None:
    path.unlink()
    storage = optuna.storages.RDBStorage(storage_url(path.parent))
    optuna.create_study(study_name="mine", storage=storage)
    storage.remove_session()
    storage.engine.dispose()


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (_empty, "is no study of a search"),
        (_text, "is no study of a search"),
        (_truncated, "is damaged"),
        (_scrambled, "is damaged"),
        (_folder, "is a folder"),
        (_pipe, "is a pipe"),
        (_device, "is a device"),
        (_sparse, "larger than"),
        (_other_study, f"holds no study named {STUDY!r}"),
    ],
)
def test_damaged_files(run: Path, damage: Callable[[Path], None], words: str) -> None:
    path = run / "study.db"
    damage(path)
    before = path.read_bytes() if path.is_file() and path.stat().st_size < 10**9 else None
    with pytest.raises(FileError, match=words):
        read_archive(run)
    assert before is None or path.read_bytes() == before


_ENDLESS = "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) SELECT x"


@pytest.mark.parametrize(
    ("statements", "words"),
    [
        (["ALTER TABLE trials RENAME TO t", f"CREATE VIEW trials AS {_ENDLESS} AS trial_id FROM n"], "holds views"),
        (["CREATE TRIGGER t AFTER INSERT ON trials BEGIN DELETE FROM studies; END"], "holds views, triggers"),
        (["ALTER TABLE trials ADD COLUMN more TEXT AS (hex(zeroblob(100000000)))"], "computed tables"),
        (["CREATE VIRTUAL TABLE t USING fts5(a)"], "computed tables"),
        (["UPDATE trial_user_attributes SET value_json = zeroblob(5000000)"], "more than 4 MB"),
        (["DELETE FROM version_info"], "may not be written|cannot be read"),
        (
            ["CREATE TABLE more (x)", f"INSERT INTO more SELECT 1 FROM ({_ENDLESS} FROM n LIMIT 500001)"],
            "more than 500000 rows of more",
        ),
        (["UPDATE trials SET state = 'ODD' WHERE number = 1"], "cannot be read"),
        (["UPDATE trial_user_attributes SET value_json = '{'"], "cannot be read"),
        (["UPDATE trial_user_attributes SET value_json = x'ff00'"], "cannot be read|damaged"),
        ([f"UPDATE trial_user_attributes SET value_json = '{'[' * 100_000}'"], "cannot be read"),
        (["DROP TABLE trial_params"], "no such table"),
        (["UPDATE study_user_attributes SET value_json = '[1]' WHERE key = 'teacher'"], "record"),
    ],
)
def test_hostile_tables(run: Path, statements: list[str], words: str) -> None:
    _execute(run, *statements)
    with pytest.raises(FileError, match=words):
        read_archive(run)


def test_what_cannot_be_decoded_is_said_once(run: Path, capfd: pytest.CaptureFixture[str]) -> None:
    _execute(run, "UPDATE trial_user_attributes SET value_json = CAST(x'7b22ff' AS TEXT)")
    capfd.readouterr()
    with pytest.raises(FileError, match="study"):
        read_archive(run)
    assert capfd.readouterr() == ("", "")


def test_pages_in_a_circle(run: Path) -> None:
    """Every page that holds rows leads to itself: SQLite finds that out, and no row is read for ever."""
    data = bytearray((run / "study.db").read_bytes())
    for start in range(4096, len(data), 4096):
        if data[start] == 5:
            data[start + 8 : start + 12] = (start // 4096 + 1).to_bytes(4, "big")
    (run / "study.db").write_bytes(bytes(data))
    with pytest.raises(FileError, match="damaged"):
        read_archive(run)


def test_locked_by_another_process(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("compress.archive.study_file._WAIT_S", 0.1)
    with contextlib.closing(sqlite3.connect(run / "study.db", isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        with pytest.raises(FileError, match="locked by .*process.* Nothing is damaged: wait") as caught:
            read_archive(run)
    assert str(os.getpid()) in str(caught.value) or "another process" in str(caught.value)
    assert read_archive(run).records


def test_what_a_killed_search_left_half_written_is_undone(run: Path) -> None:
    """A journal beside the study: the transaction that it belongs to never ended."""
    child = os.fork()
    if not child:
        connection = sqlite3.connect(run / "study.db", isolation_level=None)
        connection.execute("PRAGMA cache_size = 1")
        connection.execute("BEGIN IMMEDIATE")
        connection.execute("UPDATE trial_user_attributes SET value_json = '0'")
        connection.execute("UPDATE study_user_attributes SET value_json = '0'")
        os._exit(9)
    os.waitpid(child, 0)
    assert read_archive(run).records


def test_a_journal_that_is_a_pipe(run: Path) -> None:
    os.mkfifo(run / "study.db-journal")
    with pytest.raises(FileError, match="is a pipe"):
        read_archive(run)


@pytest.mark.parametrize("name", ["teacher", "best", "v000"])
def test_names_that_do_not_tell_variants_apart(tmp_path: Path, name: str) -> None:
    records = (record(0, 4, 0.6, 0.5), record(1, 6, 0.7, 0.6, variant=name))
    with pytest.raises(FileError, match=f"names several variants alike.*: {name}"):
        read_archive(write_synthetic_run(tmp_path / "run", records))


def test_a_new_study_is_whole_or_not_there(tmp_path: Path) -> None:
    new_study_file(tmp_path / "study.db")
    assert [path.name for path in tmp_path.iterdir()] == ["study.db"]
    assert read_study(tmp_path).trials == []
    (tmp_path / "config.yaml").write_text(CONFIG)
    with pytest.raises(FileError, match="was stopped: its teacher is not scored yet"):
        read_archive(tmp_path)
