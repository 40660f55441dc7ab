"""Result files replace results of an earlier evaluation, and nothing else."""

from __future__ import annotations

from pathlib import Path

import pytest

from compress.core import UsageError
from compress.evaluate.formats import FORMATS
from compress.evaluate.result_folder import check_results

LASOT = FORMATS["lasot"]


def test_annotations_are_never_replaced_by_results(tmp_path: Path) -> None:
    (tmp_path / "bird-1.txt").write_text("annotations")
    check_results(["bird-2"], tmp_path, LASOT)
    with pytest.raises(UsageError, match=r"bird-1.txt is there already.*--results"):
        check_results(["bird-2", "bird-1"], tmp_path, LASOT)
    (tmp_path / "summary.json").write_text("{}")
    with pytest.raises(UsageError, match="results of an older version"):
        check_results(["bird-2"], tmp_path, LASOT)


@pytest.mark.parametrize("name", ["", "..", "a/b", "a\\b", "a:b", "a\0"])
def test_names_that_cannot_be_file_names(name: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot be a file name"):
        check_results([name], tmp_path, LASOT)
