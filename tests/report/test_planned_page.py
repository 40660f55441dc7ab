"""The page of a plan: everything estimated says so, and nothing reads like a measurement."""

from __future__ import annotations

from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest

from compress.archive import SHARE, Archive
from compress.core import LatencyConstraint
from compress.prior import published
from compress.report import summary_sentence, write_report
from compress.report.figure import figure
from compress.testing.synthetic_run import plan_facts, planned, planned_teacher

HOSTILE = "</script><img src=x onerror=alert(1)>"
SETTINGS = {"teacher": "ostrack256", "target": "agx", "fps": 60.0}


def _archive(**changes: object) -> Archive:
    records = (planned(0, 4, 9.0, 0.60), planned(1, 6, 12.0, 0.66), planned(2, 6, 12.5, 0.65))
    base = Archive(
        Path("r"), planned_teacher(), records, LatencyConstraint(16.7, {"fps": 60.0}), SETTINGS, {}, plan_facts()
    )
    return replace(base, **changes)  # type: ignore[arg-type]


class _Words(HTMLParser):
    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.words: list[str] = []
        self._in = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self._in = tag

    def handle_data(self, data: str) -> None:
        if self._in not in ("script", "style"):
            self.words.append(data)


def _page(archive: Archive, folder: Path) -> _Words:
    return _Words(write_report(archive, folder).read_text(encoding="utf-8"))


def test_summary() -> None:
    assert summary_sentence(_archive()) == (
        "Plan: nothing was trained or timed; every figure that is not called published is an estimate. v001: 12.0 ms "
        "estimated (83 fps), 4.2× as fast as the teacher (51.0 ms estimated); expected GOT-10k AO 0.66 (0.62 to 0.69) "
        "where the teacher has 0.71 published (litetrack, Table IV)."
    )
    late = tuple(replace(r, status="rejected") for r in _archive().records)
    told = summary_sentence(_archive(records=late, constraint=LatencyConstraint(8.0)))
    assert told.startswith("Plan: nothing was trained or timed")
    assert "The nearest is v000: 9.00 ms estimated, 12% over, never trained." in told


def test_page_says_what_it_is(tmp_path: Path) -> None:
    text = " ".join(_page(_archive(), tmp_path).words)
    for expected in (
        "Plan: ostrack256 → agx",
        "6000 different students of the space full, which has 554400 combinations",
        "Mind this.",
        "compress search --plan here",
        "from 4 published speeds",
        "off by 4.6% on average, 10.4% at most",
        "It is based on GOT-10k AO 0.710 of the teacher (litetrack, Table IV)",
        "Published trackers on this device",
        "AO expected",
        "All 3 trials: none was trained",
    ):
        assert expected in text
    for wrong in ("measured;", "SR50", "p99", "timed runs", "bootstrap", "Predicted and measured"):
        assert wrong not in text


def test_figure() -> None:
    traces = {trace["name"]: trace for trace in figure(_archive())["data"]}
    front = traces["Pareto front (prior)"]
    assert (front["x"], front["y"]) == ([9.0, 12.0], [0.60, 0.66])
    assert front["error_y"]["array"] == pytest.approx([0.03, 0.03])
    assert front["error_y"]["arrayminus"] == pytest.approx([0.04, 0.04])
    assert all(symbol.endswith("-open") for symbol in front["marker"]["symbol"])
    assert traces["off the front (prior)"]["x"] == [12.5]
    assert traces["teacher"]["y"] == [0.71]


def test_published_trackers_stand_beside_it() -> None:
    """Every published speed on the device, and no other; and none where shares of the teacher's accuracy are drawn."""
    traces = [t for t in figure(_archive())["data"] if t["name"].startswith("published")]
    drawn = sorted(x for trace in traces for x in trace["x"])
    speeds = [
        speed.fps
        for tracker in published()
        for speed in tracker.speeds
        if speed.device == "Jetson AGX Xavier" and "GOT-10k AO" in tracker.accuracies
    ]
    assert drawn == pytest.approx(sorted(1000 / fps for fps in speeds))
    assert 75.0 in speeds  # HiT-Base under onnxruntime
    teacher = planned_teacher()
    assert teacher.prior is not None
    unknown = replace(teacher, prior=replace(teacher.prior, metric=SHARE, teacher=1.0))
    drawn = [trace["name"] for trace in figure(_archive(teacher=unknown))["data"]]
    assert not [name for name in drawn if name.startswith("published")]


def test_nothing_a_study_says_becomes_markup(tmp_path: Path) -> None:
    prior = replace(planned_teacher().prior, source=HOSTILE, metric=HOSTILE)  # type: ignore[type-var]
    hostile = _archive(
        plan=plan_facts(space=HOSTILE, limits=HOSTILE, notes=(HOSTILE,), commands=(HOSTILE,)),
        teacher=replace(planned_teacher(), prior=prior),
        records=tuple(replace(r, prior=prior, reason=HOSTILE) for r in _archive().records),
    )
    page = _page(hostile, tmp_path / "bad")
    assert "img" not in page.tags
    assert page.tags.count("script") == _page(_archive(), tmp_path / "good").tags.count("script")
