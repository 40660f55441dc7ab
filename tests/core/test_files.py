"""Where things are kept on bare machines: no home directory, an unwritable one, one of somebody else."""

from __future__ import annotations

import os
import pwd
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from compress.core import CompressError, CompressWarning, Store, files
from compress.core.files import home, work_home


@pytest.fixture(autouse=True)
def _bare(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    (tmp_path / "tmp").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "tmp"))
    monkeypatch.delenv("COMPRESS_HOME", raising=False)
    for cached in (files._problem, files._temporary_home):
        cached.cache_clear()
    yield
    for cached in (files._problem, files._temporary_home):
        cached.cache_clear()


@pytest.fixture
def unmakeable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home in which nothing can be made, for root too."""
    (tmp_path / "file").touch()
    monkeypatch.setenv("HOME", str(tmp_path / "file"))
    return tmp_path / "file"


def _temporary(tmp_path: Path) -> Path:
    return tmp_path / "tmp" / f"compress-{os.geteuid()}"


def test_the_variable_then_the_home_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    assert home() == work_home() == tmp_path / ".cache" / "compress"
    monkeypatch.setenv("COMPRESS_HOME", str(tmp_path / "named"))
    assert home() == work_home() == tmp_path / "named"


def test_without_a_home_directory_work_is_kept_among_temporary_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("HOME", raising=False)
    monkeypatch.setattr(pwd, "getpwuid", {}.__getitem__)  # KeyError, as for a user without an entry
    with pytest.warns(CompressWarning, match=r"There is no home directory.*Set COMPRESS_HOME"):
        assert home() == _temporary(tmp_path)
    assert home() == work_home() == _temporary(tmp_path), "said once"
    assert _temporary(tmp_path).stat().st_mode & 0o777 == 0o700


def test_a_home_in_which_nothing_can_be_made_is_not_used(tmp_path: Path, unmakeable: Path) -> None:
    with pytest.warns(CompressWarning, match=r"cannot be made, so what should last is kept in"):
        assert home() == _temporary(tmp_path)


def test_a_home_that_can_only_be_read_is_read_and_work_goes_elsewhere(
    tmp_path: Path, unmakeable: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COMPRESS_HOME", str(unmakeable))
    assert home() == unmakeable
    with pytest.warns(CompressWarning, match="cannot be written to"):
        store = Store()
    assert store.get("scores", "a", read=Path.read_text, make=lambda path: path.write_text("1") and None) == "1"
    assert (_temporary(tmp_path) / "scores" / "a").is_file()


@pytest.mark.parametrize("kind", ["link", "others may write", "file"])
def test_what_others_prepared_among_temporary_files_is_not_used(tmp_path: Path, unmakeable: Path, kind: str) -> None:
    place = _temporary(tmp_path)
    if kind == "link":
        place.symlink_to(tmp_path)
    elif kind == "file":
        place.touch()
    else:
        place.mkdir()
        place.chmod(0o777)
    with pytest.raises(CompressError, match="Set COMPRESS_HOME"):
        home()


def test_no_place_at_all_is_said_in_words(unmakeable: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def none() -> str:
        raise FileNotFoundError(2, "No usable temporary directory found")

    monkeypatch.setattr(tempfile, "gettempdir", none)
    with pytest.raises(CompressError, match=r"no other place was found.*Set COMPRESS_HOME"):
        home()
