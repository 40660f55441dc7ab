from __future__ import annotations

import json
from pathlib import Path

import pytest

from compress.cli import main
from compress.testing.synthetic_run import write_synthetic_run


def _run(args: list[str]) -> int | str | None:
    with pytest.raises(SystemExit) as stop:
        main(args)
    return stop.value.code


def test_rebuilds_tables_and_page(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = write_synthetic_run(tmp_path / "run")
    assert _run(["report", str(run)]) == 0
    shown = capsys.readouterr().out
    assert [line.split()[0] for line in shown.splitlines()[1:5]] == ["v000", "v001", "v003", "teacher"]
    assert "v003: 2.1× as fast" in shown
    assert {"pareto.csv", "trials.csv", "report"} <= {p.name for p in run.iterdir()}


def test_json(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = write_synthetic_run(tmp_path / "run")
    assert _run(["report", str(run), "--json"]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert [row["variant"] for row in answer["front"]] == ["v000", "v001", "v003"]
    assert answer["teacher"]["ao"] == 0.65
    assert answer["constraint"] == {"max_ms": 0.93, "at": "mean", "speedup": 2.0}
    assert Path(answer["report"]).is_file()


def test_not_a_run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert _run(["report", str(tmp_path)]) == 1
    assert "not a run directory" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []
