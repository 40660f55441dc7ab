from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from compress.archive import Archive, Record, StoredStudy, archive_of, trials_csv
from compress.core import FileError, Latency
from compress.testing.synthetic_run import finetuned, record, teacher

PARENT = record(1, 6, 0.78, 0.60)
FINETUNED = finetuned(PARENT)


class _Trial:
    """As Optuna gives a trial."""

    def __init__(self, record: Record) -> None:
        self.user_attrs = {"record": record.to_attrs()}
        self.state = type("State", (), {"name": "COMPLETE"})


def _archive(**attrs: Any) -> Archive:
    study = StoredStudy({"teacher": teacher().to_attrs()} | attrs, [_Trial(PARENT)])  # type: ignore[list-item]
    return archive_of(study, Path("run"), {"speedup": 2.0})


@pytest.fixture(scope="module")
def archive() -> Archive:
    return _archive(**{"finetuned:v001-3fa29c": FINETUNED.to_attrs()})


def test_it_is_read_as_it_was_written(archive: Archive) -> None:
    assert archive.finetuned == (FINETUNED,)
    assert archive.variant("v001-3fa29c") == FINETUNED
    assert isinstance(FINETUNED.lineage and FINETUNED.lineage.beside["teacher"], Latency)


def test_fronts_do_not_mix_it_in(archive: Archive) -> None:
    assert archive.records == (PARENT,)
    assert archive.fidelity == "full"
    assert [each.variant for each in archive.front_table()] == ["v001", "teacher"]


def test_its_weights_are_not_its_parents() -> None:
    assert PARENT.weights_file == f"{PARENT.spec.weights_id}.safetensors"
    assert FINETUNED.weights_file == "v001-3fa29c.safetensors"


def test_trials_csv_names_the_parent(archive: Archive, tmp_path: Path) -> None:
    path = tmp_path / "trials.csv"
    path.write_text(trials_csv(archive))
    table = pd.read_csv(path).set_index("variant")
    row = table.loc["v001-3fa29c"]
    assert (row["fidelity"], row["parent"], row["finetuning_steps"]) == ("finetuned", "v001", 2000)
    assert (row["validation_vs_parent"], row["validation_vs_parent_se"]) == (0.021, 0.004)
    assert pd.isna(table.loc["v001", "parent"])
    assert "parent" not in trials_csv(_archive()), "runs without any have no such columns"


@pytest.mark.parametrize(
    ("name", "kept"),
    [
        ("v001-3fa29c", FINETUNED.to_attrs() | {"lineage": None}),
        ("v001-3fa29c", FINETUNED.to_attrs() | {"fidelity": "full"}),
        ("v001-other", FINETUNED.to_attrs()),
        ("v001", FINETUNED.to_attrs() | {"variant": "v001"}),
        ("best", FINETUNED.to_attrs() | {"variant": "best"}),
        ("../v001", FINETUNED.to_attrs() | {"variant": "../v001"}),
        ("v001-3fa29c", "text"),
        ("v001-3fa29c", FINETUNED.to_attrs() | {"lineage": {"parent": "v001"}}),
    ],
)
def test_what_is_none_is_refused(name: str, kept: Any) -> None:
    with pytest.raises(FileError):
        _archive(**{f"finetuned:{name}": kept})
