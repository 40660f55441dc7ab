"""Files of results: the lines that servers and toolkits read, and names that stay in their folder."""

from __future__ import annotations

from pathlib import Path
from zipfile import ZipFile

import numpy as np
import pytest

from compress.core import UsageError
from compress.evaluate.formats import FORMATS, check_names, write_archive

BOXES = np.array([[10.0, 20.0, 30.0, 40.0], [10.56789, 20.0, 30.99999, 40.0]])
TIMES = np.array([0.5, 0.0625])


@pytest.mark.parametrize(
    ("name", "wanted"),
    [
        ("lasot", {"a.txt": "10.0000,20.0000,30.0000,40.0000\n10.5679,20.0000,31.0000,40.0000\n"}),
        ("trackingnet", {"a.txt": "10.0000,20.0000,30.0000,40.0000\n10.5679,20.0000,31.0000,40.0000\n"}),
        (
            "got10k",
            {
                "a/a_001.txt": "10.000,20.000,30.000,40.000\n10.568,20.000,31.000,40.000\n",
                "a/a_time.txt": "0.50000000\n0.06250000\n",
            },
        ),
        (
            "pytracking",
            {"a.txt": "10\t20\t30\t40\n10\t20\t30\t40\n", "a_time.txt": "0.50000000\n0.06250000\n"},
        ),
        (
            "vot",
            {
                "unsupervised/a/a_001.txt": "1\n10.5679,20.0000,31.0000,40.0000\n",
                "unsupervised/a/a_001_time.value": "0.50000000\n0.06250000\n",
            },
        ),
    ],
)
def test_lines(name: str, wanted: dict[str, str]) -> None:
    found = FORMATS[name]
    assert found.contents("a", BOXES, TIMES) == wanted
    assert found.paths("a") == list(wanted)


@pytest.mark.parametrize("name", ["", ".", "..", ".hidden", "a/b", "a\\b", "a:b", "a\0", "a\nb"])
@pytest.mark.parametrize("file_format", FORMATS)
def test_names_that_could_leave_the_folder(name: str, file_format: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot be a file name"):
        check_names(["fine", name], FORMATS[file_format], tmp_path)


def test_names_that_share_a_file(tmp_path: Path) -> None:
    assert check_names(["a", "b"], FORMATS["lasot"], tmp_path) == [tmp_path / "a.txt", tmp_path / "b.txt"]
    with pytest.raises(UsageError, match="a and a_time would share the file a_time.txt"):
        check_names(["a", "a_time"], FORMATS["pytracking"], tmp_path)
    with pytest.raises(UsageError, match="share"):
        check_names(["Car", "car"], FORMATS["lasot"], tmp_path)


def test_an_archive_has_paths_of_its_folder_and_no_times_of_files(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    for path in ("a/a_001.txt", "a/a_time.txt"):
        (tmp_path / path).write_text(path)
    paths = check_names(["a"], FORMATS["got10k"], tmp_path)
    content = write_archive(tmp_path, paths).read_bytes()
    with ZipFile(tmp_path / "submission.zip") as archive:
        assert archive.namelist() == ["a/a_001.txt", "a/a_time.txt"]
        assert archive.read("a/a_time.txt") == b"a/a_time.txt"
    (tmp_path / "a" / "a_001.txt").touch()
    assert write_archive(tmp_path, paths).read_bytes() == content
