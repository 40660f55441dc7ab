"""Temporary files of processes that are gone are removed, those of living ones and of other programs are not."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from compress.core.leftovers import ASIDE, remove_leftovers, temporary_folder
from compress.core.writing import write_file

_WRITER = """
import sys
from pathlib import Path
from compress.core.writing import new_folder, writing
with writing(sys.argv[1] + "/file.txt") as file, new_folder(sys.argv[1] + "/bundle") as folder:
    file.write_text("half")
    (folder / "graph").write_text("half")
    print("writing", flush=True)
    input()
"""


def _writer(folder: Path) -> subprocess.Popen[str]:
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    found: subprocess.Popen[str] = subprocess.Popen(  # type: ignore[call-overload]
        [sys.executable, "-c", _WRITER, str(folder)], text=True, **pipes
    )
    assert found.stdout is not None
    assert found.stdout.readline() == "writing\n"
    return found


def test_what_a_killed_process_left_goes_and_what_a_living_one_writes_stays(tmp_path: Path) -> None:
    killed, living = _writer(tmp_path), _writer(tmp_path)
    (tmp_path / ".compress-notes.partial").write_text("a user's")
    killed.kill()
    killed.communicate()
    assert len(remove_leftovers(tmp_path)) == 2
    assert len(list(tmp_path.glob(f".compress-{living.pid}-*"))) == 2
    assert len(list(tmp_path.iterdir())) == 3
    living.communicate("\n")
    assert sorted(path.name for path in tmp_path.iterdir()) == [".compress-notes.partial", "bundle", "file.txt"]


def test_the_next_process_that_writes_there_removes_them(tmp_path: Path) -> None:
    killed = _writer(tmp_path)
    killed.kill()
    killed.communicate()
    write_file(tmp_path / "other.txt", "whole")
    assert [path.name for path in tmp_path.iterdir()] == ["other.txt"]


def test_an_old_folder_that_was_put_aside_when_its_process_was_killed_is_put_back(tmp_path: Path) -> None:
    left = tmp_path / ".compress-1-0123456789ab.partial"
    (left / ASIDE / "bundle").mkdir(parents=True)
    (left / ASIDE / "bundle" / "graph").write_text("old")
    remove_leftovers(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["bundle"]
    assert (tmp_path / "bundle" / "graph").read_text() == "old"


def _link(path: Path, elsewhere: Path) -> None:
    path.symlink_to(elsewhere)


def _led_astray(path: Path, elsewhere: Path) -> None:
    path.mkdir()
    (path / ASIDE).symlink_to(elsewhere)


def _others_may_write(path: Path, elsewhere: Path) -> None:
    path.mkdir()
    path.chmod(0o777)


@pytest.mark.parametrize("make", [_link, _led_astray, _others_may_write])
def test_what_others_could_have_put_there_leads_nowhere(tmp_path: Path, make: Callable[[Path, Path], None]) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "precious").write_text("")
    shared = tmp_path / "shared"
    shared.mkdir()
    make(shared / ".compress-1-0123456789ab.partial", elsewhere)
    remove_leftovers(shared)
    assert [path.name for path in elsewhere.iterdir()] == ["precious"]
    assert not (shared / "precious").exists()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files away")
def test_folders_of_others_stay(tmp_path: Path) -> None:
    left = tmp_path / ".compress-1-0123456789ab.partial"
    left.mkdir()
    os.chown(left, 12345, 12345)
    assert remove_leftovers(tmp_path) == []
    assert left.exists()


def test_temporaries_are_removed_with_errors_too(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError), temporary_folder(tmp_path) as folder:
        (folder / "file").write_text(str(1 / 0))
    assert list(tmp_path.iterdir()) == []
