"""Whether a search runs, asked by others; and locks that are none."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from compress.archive import RunningSearch, new_study_file, read_archive, run_dir_lock, running_search
from compress.core import CompressError, FileError
from compress.testing.synthetic_run import CONFIG


def test_said_while_it_is_held(tmp_path: Path) -> None:
    assert running_search(tmp_path) is None
    with run_dir_lock(tmp_path) as lock:
        seen: list[float] = []
        progress = lock.noting(lambda text, share, figures=None: seen.append(share))
        progress("v003: Distilling\x1b[2J", 0.25)
        progress("too soon after to be noted", 0.26)
        found = running_search(tmp_path)
        assert found is not None
        assert (found.pid, found.share) == (os.getpid(), 0.25)
        assert f"process {os.getpid()}" in str(found)
        assert "25% done, now: v003: Distilling\\x1b[2J" in str(found)
        with pytest.raises(CompressError, match=r"Another search is running in .*25% done"), run_dir_lock(tmp_path):
            pytest.fail("held twice")
        assert seen == [0.25, 0.26]
    assert running_search(tmp_path) is None


def test_a_report_of_a_search_that_has_nothing_yet(tmp_path: Path) -> None:
    (tmp_path / "config.yaml").write_text(CONFIG)
    new_study_file(tmp_path / "study.db")
    with run_dir_lock(tmp_path), pytest.raises(FileError, match=r"is running \(process .* not scored yet. Ask again"):
        read_archive(tmp_path)


@pytest.mark.parametrize("text", ["", "{", "[1]", '{"pid": "x"}', '{"share": NaN}', "[" * 3000])
def test_what_it_says_is_not_trusted(tmp_path: Path, text: str) -> None:
    with run_dir_lock(tmp_path):
        (tmp_path / ".lock").write_text(text)
        assert running_search(tmp_path) == RunningSearch()


def test_something_else_in_the_place_of_the_lock(tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    victim.write_text("precious")
    for make in (os.mkfifo, os.mkdir, lambda path: os.symlink(victim, path)):
        run = tmp_path / "run"
        run.mkdir(exist_ok=True)
        make(run / ".lock")
        assert running_search(run) is None
        with pytest.raises(FileError, match="no regular file"), run_dir_lock(run):
            pytest.fail("held")
        (run / ".lock").rmdir() if (run / ".lock").is_dir() else (run / ".lock").unlink()
    assert victim.read_text() == "precious"
