from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from compress.archive import Archive, read_archive, write_pareto_csv, write_trials_csv
from compress.core import LatencyConstraint
from compress.testing.synthetic_run import (
    planned,
    planned_teacher,
    record,
    teacher,
    with_bypass,
    with_exits,
    write_synthetic_run,
)

REQUIRED = [
    "variant",
    "spec_id",
    "ao",
    "ao_se",
    "fidelity",
    "latency_ms",
    "latency_provenance",
    "fps",
    "params",
    "macs",
]


def test_pareto_csv(tmp_path: Path) -> None:
    archive = read_archive(write_synthetic_run(tmp_path / "run"))
    write_pareto_csv(archive, tmp_path / "pareto.csv")
    table = pd.read_csv(tmp_path / "pareto.csv")
    assert set(REQUIRED) <= set(table.columns)
    assert table["variant"].tolist() == ["v000", "v001", "v003", "teacher"]
    assert table["teacher"].tolist() == [False, False, False, True]
    first = table.iloc[0]
    assert first["latency_ms"] == 0.63
    assert first["latency_provenance"] == "measured"
    assert first["latency_error"] == pytest.approx(0.62 / 0.63 - 1, rel=1e-4)
    assert first["fps"] == pytest.approx(1000 / 0.63, rel=1e-4)
    assert first["ao"] == 0.50
    assert first["macs"] == 80_000_000
    assert (table["fidelity"] == "full").all()


def test_trials_csv_holds_everything(tmp_path: Path) -> None:
    archive = read_archive(write_synthetic_run(tmp_path / "run"))
    write_trials_csv(archive, tmp_path / "trials.csv")
    table = pd.read_csv(tmp_path / "trials.csv").set_index("variant")
    assert len(table) == 10
    assert table.loc["v005", "status"] == "rejected"
    assert pd.isna(table.loc["v005", "ao"])
    assert table.loc["v004", "status"] == "missed"


def test_adaptive_variants_can_be_told(tmp_path: Path) -> None:
    archive = Archive(
        tmp_path, teacher(), (with_exits(), with_bypass(), record(0, 4, 0.5, 0.4)), LatencyConstraint(0.93)
    )
    write_trials_csv(archive, tmp_path / "trials.csv")
    table = pd.read_csv(tmp_path / "trials.csv", keep_default_na=False, dtype=str).set_index("variant")
    columns = ["adaptive", "mean_layers", "worst_ms", "within_bound", "worst_within_bound", "optimistic"]
    assert table.loc["v010", columns].tolist() == ["exits", "3", "1.2", "true", "false", "false"]
    assert table.loc["v011", columns].tolist() == ["bypass", "", "0.9", "true", "true", "true"]
    assert table.loc["v000", columns].tolist() == ["", "4", "", "true", "", "false"]


def test_estimates_have_columns_of_their_own(tmp_path: Path) -> None:
    archive = Archive(
        tmp_path, planned_teacher(), (planned(0, 4, 9.0, 0.6), planned(1, 4, 9.5, 0.5)), LatencyConstraint(16.7)
    )
    write_pareto_csv(archive, tmp_path / "pareto.csv")
    table = pd.read_csv(tmp_path / "pareto.csv", keep_default_na=False, dtype=str).set_index("variant")
    assert table.index.tolist() == ["v000", "teacher"]
    row = table.loc["v000"]
    assert row[["ao", "ao_se", "sr50", "p50_ms", "p90_ms", "p99_ms"]].tolist() == [""] * 6
    assert row[["prior_ao", "prior_low", "prior_high", "fidelity"]].tolist() == ["0.6", "0.56", "0.63", "prior"]
    assert row["prior_provenance"] == "estimated: retention of 0.71 (litetrack, Table IV)"
    assert row["latency_provenance"] == "estimated"
    # And runs without estimates keep their tables as they were.
    write_pareto_csv(
        Archive(tmp_path, teacher(), (record(0, 4, 0.5, 0.4),), LatencyConstraint(1)), tmp_path / "other.csv"
    )
    assert not [name for name in pd.read_csv(tmp_path / "other.csv") if name.startswith("prior")]  # type: ignore[attr-defined]


def test_cells_are_no_formulas(tmp_path: Path) -> None:
    bad = record(0, 4, 0.5, 0.4, reason='=HYPERLINK("http://example.org","x"), "and" a comma')
    archive = Archive(tmp_path, teacher(), (bad, replace(bad, number=1, reason="@SUM(1)")), LatencyConstraint(None))
    write_trials_csv(archive, tmp_path / "trials.csv")
    reasons = pd.read_csv(tmp_path / "trials.csv")["reason"].tolist()
    assert reasons[1:] == ["'" + bad.reason, "'@SUM(1)"]


def test_unwritable_folder_leaves_nothing(tmp_path: Path) -> None:
    archive = Archive(tmp_path, teacher(), (record(0, 4, 0.5, 0.4),), LatencyConstraint(None))
    (tmp_path / "file").write_text("")
    with pytest.raises(OSError, match="file"):
        write_pareto_csv(archive, tmp_path / "file" / "pareto.csv")
