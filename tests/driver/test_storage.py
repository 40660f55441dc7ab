"""Studies that are kept elsewhere: in a journal file, on a server; what is noted of them, and what goes wrong."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from wsgiref.util import setup_testing_defaults

import pytest

from compress import search
from compress.archive import Archive, new_study_name, noted_storage, place_of, read_archive
from compress.cli import main
from compress.core import CompressError, FileError, UsageError
from compress.driver.run_config import _check_study
from compress.driver.study import open_study
from compress.testing.postgresql import PASSWORD, Server, server, server_programs
from compress.testing.search_inputs import SETTINGS

_NO_DRIVER = "the driver of PostgreSQL is not installed: pip install 'compress[postgresql]'"
_TRAINED = SETTINGS | {"target": "agx", "device": "cpu"}


@pytest.fixture(autouse=True)
def no_passwords(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("OPTUNA_STORAGE", "PGPASSWORD"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("compress.archive.storage._GIVEN", {})


@pytest.mark.parametrize(
    ("url", "noted"),
    [
        ("postgresql://me:p%40ss@db.example:5433/runs", "postgresql://me@db.example:5433/runs"),
        ("postgresql://db/runs?password=x&sslmode=require", "postgresql://db/runs?sslmode=require"),
        ("sqlite:////shared/study.db", "sqlite:////shared/study.db"),
        ("", ""),
    ],
)
def test_passwords_are_not_noted(url: str, noted: str) -> None:
    assert noted_storage(url) == noted


def test_a_journal_is_noted_by_its_absolute_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert noted_storage("journal:a/run.journal") == f"journal:{tmp_path}/a/run.journal"


@pytest.mark.parametrize("url", ["runs", "journal:", "oracel://db/runs", "postgresql://", "://"])
def test_what_is_no_storage_is_refused(url: str) -> None:
    with pytest.raises(UsageError, match=r"--storage.*journal:/shared/run.journal"):
        noted_storage(url)


def test_names_of_studies_tell_runs_apart(tmp_path: Path) -> None:
    first, second = (new_study_name(tmp_path / "a run") for _ in range(2))
    assert first.startswith("compress-a-run-")
    assert first != second


def _noted(run_dir: Path, url: str, study: str = "compress-run-1") -> Path:
    run_dir.mkdir(exist_ok=True)
    (run_dir / "config.yaml").write_text(f"teacher: ostrack-nano\nstorage: {noted_storage(url)}\nstudy: {study}\n")
    return run_dir


def test_a_study_in_a_journal(tmp_path: Path) -> None:
    run = _noted(tmp_path / "run", f"journal:{tmp_path}/shared.journal")
    with pytest.raises(FileError, match=r"There is no .*shared.journal, in which"):
        read_archive(run)
    _check_study(run)  # not begun when the search was stopped
    study = open_study(run, sampler="random", seed=0, content="a")
    study.set_user_attr("found", 1)
    assert open_study(run, sampler="random", seed=0, content="a").user_attrs["found"] == 1
    with pytest.raises(FileError, match="belongs to another search"):
        open_study(run, sampler="random", seed=0, content="b")
    assert not (run / "study.db").exists()
    with pytest.raises(FileError, match="There is no study compress-run-2"):
        read_archive(_noted(tmp_path / "other", f"journal:{tmp_path}/shared.journal", "compress-run-2"))
    (tmp_path / "shared.journal").write_bytes(b'{"op_code": 0,\n' * 3)
    with pytest.raises(FileError, match=r"is damaged|cannot be"):
        read_archive(run)


def test_a_server_that_does_not_run(tmp_path: Path) -> None:
    pytest.importorskip(
        "psycopg", reason="the driver of PostgreSQL is not installed: pip install 'compress[postgresql]'"
    )
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        run = _noted(tmp_path / "run", f"postgresql://me:hidden@127.0.0.1:{free.getsockname()[1]}/runs")
        with pytest.raises(FileError, match=r"cannot be reached. Check that the server runs") as caught:
            read_archive(run)
    assert "hidden" not in str(caught.value)


@pytest.fixture(scope="module")
def postgresql() -> Iterator[Server]:
    programs = server_programs()
    if programs is None:
        pytest.skip("PostgreSQL's server is not installed here: apt install postgresql")
    pytest.importorskip(
        "psycopg", reason="the driver of PostgreSQL is not installed: pip install 'compress[postgresql]'"
    )
    with server(programs) as found:
        yield found


@pytest.fixture(scope="module")
def stored(
    postgresql: Server, tmp_path_factory: pytest.TempPathFactory, home: Path, weights: str, data: str
) -> Archive:
    """A run whose study is in the server."""
    out = tmp_path_factory.mktemp("runs") / "on a server"
    return search(out=out, weights=weights, data=data, storage=postgresql.url(), **_TRAINED)


@pytest.mark.slow
def test_a_search_whose_study_is_in_a_server(
    stored: Archive, postgresql: Server, weights: str, data: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same search again finds it, other commands read it, and the password is nowhere in the run."""
    assert not (stored.run_dir / "study.db").exists()
    assert place_of(stored.run_dir).url == postgresql.url(None)
    again = search(out=stored.run_dir, weights=weights, data=data, storage=postgresql.url(), **_TRAINED)
    assert [r.spec for r in again.records] == [r.spec for r in stored.records]
    for path in stored.run_dir.rglob("*"):
        assert not path.is_file() or not any(
            secret in path.read_bytes() for secret in (PASSWORD.encode(), b"s3cret%20", b"s3cret+")
        )
    monkeypatch.setattr("compress.archive.storage._GIVEN", {})
    with pytest.raises(FileError, match="asks for a password"):
        read_archive(stored.run_dir)
    monkeypatch.setenv("PGPASSWORD", PASSWORD)
    with pytest.raises(SystemExit) as stop:
        main(["report", str(stored.run_dir)])
    assert stop.value.code == 0
    monkeypatch.delenv("PGPASSWORD")
    monkeypatch.setenv("OPTUNA_STORAGE", postgresql.url())
    assert len(read_archive(stored.run_dir).records) == len(stored.records)


@pytest.mark.slow
def test_what_a_server_refuses_is_said(
    stored: Archive, postgresql: Server, weights: str, data: str, tmp_path: Path
) -> None:
    def refused(url: str, words: str) -> None:
        with pytest.raises(CompressError, match=words) as caught:
            search(out=tmp_path / "run", weights=weights, data=data, storage=url, **_TRAINED)
        assert "wrong one" not in str(caught.value)
        (tmp_path / "run" / "config.yaml").unlink()
        (tmp_path / "run" / "environment.json").unlink()

    refused(postgresql.url("wrong one"), "does not accept the user or the password")
    refused(postgresql.url(database="nowhere"), "has no such database")
    postgresql.stop()
    try:
        refused(postgresql.url(), "cannot be reached")
    finally:
        postgresql.start()


@pytest.mark.slow
def test_optuna_dashboard_opens_it(stored: Archive, postgresql: Server) -> None:
    dashboard = pytest.importorskip("optuna_dashboard", reason="optuna-dashboard is not installed")
    import optuna

    storage = optuna.storages.RDBStorage(postgresql.url())
    app = dashboard.wsgi(storage)
    answers: list[str] = []
    request: dict[str, object] = {"PATH_INFO": "/api/studies"}
    setup_testing_defaults(request)
    body = b"".join(app(request, lambda status, headers, *_: answers.append(status)))
    storage.remove_session()
    storage.engine.dispose()
    assert answers == ["200 OK"]
    assert place_of(stored.run_dir).study.encode() in body


@pytest.mark.slow
def test_a_server_that_is_stopped_and_started_amid_a_search(
    postgresql: Server, tmp_path: Path, nano_weights: str, data: str
) -> None:
    """The search ends with words that say so, and the same command continues it."""
    out = tmp_path / "run"
    command = [sys.executable, "-m", "compress", "search", "--out", str(out), "--weights", nano_weights, "--data", data]
    command += ["--target", "agx", "--speedup", "1.5", "--trials", "4", "--steps", "16", "--pool", "64"]
    command += ["--executor", "inline", "--storage", postgresql.url()]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=dict(os.environ))
    log = out / "log.txt"
    while process.poll() is None and not (log.is_file() and "rung-0: AO" in log.read_text()):
        pass
    postgresql.stop()
    _, errors = process.communicate(timeout=300)
    postgresql.start()
    assert process.returncode == 1
    said = " ".join(errors.split())
    assert "the same command again" in said
    assert PASSWORD not in said
    assert "Traceback" not in said
    found = search(
        out=out,
        weights=nano_weights,
        data=data,
        storage=postgresql.url(),
        target="agx",
        speedup=1.5,
        trials=4,
        steps=16,
        pool=64,
        executor="inline",
    )
    assert len([r for r in found.records if r.status == "done"]) == 4
