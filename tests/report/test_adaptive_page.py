"""How the page shows trackers whose work depends on the frame."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from compress.archive import Archive, Record
from compress.core import BypassSpec, ExecutionPath, ExitSpec, LatencyConstraint
from compress.report import formatting, summary_sentence, write_report
from compress.report.figure import figure
from compress.report.path_histograms import histograms
from compress.testing.synthetic_run import adaptive_latency, record, spec, teacher, with_bypass, with_exits


def _archive(*records: Record, max_ms: float | None = 0.93) -> Archive:
    return Archive(Path("r"), teacher(), records, LatencyConstraint(max_ms, {"speedup": 2.0}))


@pytest.fixture
def archive() -> Archive:
    """A static variant, one with exits that keeps the bound on average only, one never scored."""
    measured = adaptive_latency(0.78, 1.25, "measured")
    return _archive(record(0, 4, 0.62, 0.50), with_exits(measured=measured), with_bypass())


def _traces(archive: Archive) -> dict[str, Any]:
    return {trace["name"]: trace for trace in figure(archive)["data"]}


def test_the_sentence_says_what_the_mean_hides(archive: Archive) -> None:
    found = summary_sentence(archive)
    assert found.startswith("v010: 2.4× as fast as the teacher (0.780 ms measured")
    assert found.endswith(
        "It computes 3.0 of 6 layers per frame on average; its worst path takes 1.25 ms, over the bound."
    )
    wide = replace(archive, constraint=LatencyConstraint(1.3))
    assert "worst path takes 1.25 ms, within the bound." in summary_sentence(wide)


def test_at_best_is_never_shown_as_expected(archive: Archive, tmp_path: Path) -> None:
    assert formatting.provenance(with_bypass()) == "predicted, at best"
    assert formatting.provenance(with_exits()) == "predicted"
    assert formatting.provenance(record(0, 4, 0.5, 0.5)) == "predicted"
    nearest = with_bypass(status="rejected", reason="too slow")
    assert "0.700 ms predicted, at best, 40% over, never trained" in summary_sentence(_archive(nearest, max_ms=0.5))


def test_figure_has_whiskers(archive: Archive) -> None:
    whiskers = _traces(archive)["adaptive: mean to worst path"]
    assert whiskers["x"] == [0.78, 1.25, None]
    assert whiskers["y"] == [0.61, 0.61, None]
    assert "1.25 ms, 3.0 of 6 layers on average" in _traces(archive)["Pareto front (full)"]["hovertext"][1]
    assert "adaptive: mean to worst path" not in _traces(_archive(record(0, 4, 0.62, 0.5)))


def test_page_shows_mean_worst_and_paths(archive: Archive, tmp_path: Path) -> None:
    text = write_report(archive, tmp_path).read_text(encoding="utf-8")
    for expected in (
        ">worst path<",
        ">layers used<",
        "1.25 over",
        ">p99<",
        "exits after 2 and 6",
        "bypass from layer 3",
        "predicted, at best",
        "Dotted lines: from an adaptive",
        "<h2>Execution paths</h2>",
        "2 layers, exit 1 of 2",
        "75.0%",
        "6 layers, exit 2 of 2",
        "25.0%",
        "3.0 of 6 layers on average, 40 frames",
        ">on the worst path<",
    ):
        assert expected in text, expected


def test_static_pages_are_as_they_were(tmp_path: Path) -> None:
    text = write_report(_archive(record(0, 4, 0.62, 0.50)), tmp_path).read_text(encoding="utf-8")
    for unexpected in ("worst path", "layers used", "Execution paths", "Dotted lines", "Adaptive variants"):
        assert unexpected not in text


def test_rare_paths_are_summed_up() -> None:
    """Of 16 numbers of layers and exits, 4 came once."""
    both = replace(spec(12), bypass=BypassSpec(n_enf=0), exits=(ExitSpec(6), ExitSpec(12)))
    early = [ExecutionPath(frozenset(range(k)), 0) for k in range(6)]
    late = [ExecutionPath(frozenset(range(k)), 1) for k in range(10)]
    paths = {path: 100 if i < 12 else 1 for i, path in enumerate((*early, *late))}
    (shown,) = histograms(_archive(with_exits(spec=both, paths=paths, predicted=adaptive_latency(0.5, 0.6))))
    assert len(shown.bars) == 13
    assert shown.bars[-1] == ("others", 4 / 1204)
    assert sum(share for _, share in shown.bars) == pytest.approx(1)


def test_no_paths_no_section() -> None:
    assert histograms(_archive(record(0, 4, 0.62, 0.5), with_bypass())) == []
