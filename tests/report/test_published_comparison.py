"""What a plan says of published trackers: on its device or said to be of another, and no estimate as a measurement."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from dataclasses import replace
from html import unescape
from html.parser import HTMLParser
from pathlib import Path

import pytest

from compress.archive import SHARE, Archive
from compress.core import LatencyConstraint
from compress.prior import ablations, published, published_points
from compress.report import published_answer, published_sentences, write_report
from compress.report.figure import figure
from compress.report.label_places import Plot, label_offsets
from compress.testing.synthetic_run import plan_facts, planned, planned_teacher

HOSTILE = "</script><img src=x onerror=alert(1)>"


def _plan(ao: float = 0.66, device: str = "Jetson AGX Xavier", target: str = "agx", fps: float = 60.0) -> Archive:
    """A plan with one student, expected within 0.04 below and 0.03 above `ao`."""
    teacher = planned_teacher()
    assert teacher.predicted is not None
    teacher = replace(teacher, predicted=replace(teacher.predicted, device=device))
    settings = {"teacher": "ostrack256", "target": target, "fps": fps}
    bound = LatencyConstraint(1000 / fps, {"fps": fps})
    return Archive(Path("r"), teacher, (planned(0, 4, 900 / fps, ao),), bound, settings, {}, plan_facts())


def test_the_tracker_that_keeps_60_fps_is_named() -> None:
    reached, expected = published_sentences(_plan())
    assert reached.startswith(
        "Published on the Jetson AGX Xavier at 60 fps or more: UETrack-B with GOT-10k AO 0.726 and LaSOT AUC 0.692 at "
        "60 fps, the most accurate of 10 (runtime not stated, yours is onnxruntime fp32; what was timed is not stated"
    )
    assert reached.endswith("Next is UETrack-S with GOT-10k AO 0.711 and LaSOT AUC 0.669 at 67 fps.")
    assert expected == (
        "v000, the most accurate of this plan, is untrained; by estimate (fidelity prior) GOT-10k AO 0.660 (0.620 to "
        "0.690) is expected, which would not beat UETrack-B: 0.066 lower, and so is the upper end of its interval."
    )


@pytest.mark.parametrize(
    ("ao", "words"),
    [
        (0.70, "would not beat UETrack-B: 0.026 lower, but UETrack-B lies within its interval"),
        (0.75, "would beat UETrack-B: 0.024 higher, but UETrack-B lies within its interval"),
        (0.80, "would beat UETrack-B: 0.074 higher, and so is the lower end of its interval"),
        (0.726, "is expected, level with UETrack-B"),
    ],
)
def test_the_plan_beats_it_or_does_not(ao: float, words: str) -> None:
    expected = published_sentences(_plan(ao))[1]
    assert words in expected
    assert "untrained" in expected
    assert "by estimate (fidelity prior)" in expected


def test_a_device_without_points() -> None:
    assert published_sentences(_plan(device="A board, ARMv8", target="my-board")) == [
        "No tracker's speed is published for A board, so there is none to compare this plan with."
    ]


def test_another_device_is_named_and_not_compared() -> None:
    own, expected, other = published_sentences(_plan(device="Jetson Orin NX", target="orin-nx"))
    assert own.startswith("Published on the Jetson Orin NX at 60 fps or more: LiteTrack-B9 with GOT-10k AO 0.722")
    assert "LiteTrack-B9" in expected
    assert other.startswith(
        "Published on the Jetson Orin Nano at 60 fps or more, yours is the Jetson Orin NX, so not compared: "
        "FARTrack-tiny with GOT-10k AO 0.706 and LaSOT AUC 0.632 at 87 fps (under onnxruntime, yours is onnxruntime "
        "fp32; what was timed is not stated"
    )


def test_a_speed_that_nothing_reaches() -> None:
    (told,) = published_sentences(_plan(fps=500))
    assert told.startswith(
        "No tracker that was published on the Jetson AGX Xavier reaches 500 fps there. The fastest is HiT-Tiny with "
        "GOT-10k AO 0.526 and LaSOT AUC 0.548 at 145 fps (under onnxruntime, yours is onnxruntime fp32; network alone "
        "timed, yours is the whole loop; speed from hit, Table 1;"
    )


def test_shares_and_plans_without_students_are_not_compared() -> None:
    plan = _plan()
    teacher = replace(plan.teacher, prior=replace(plan.teacher.prior, metric=SHARE, teacher=1.0))  # type: ignore[type-var]
    assert "cannot be compared" in published_sentences(replace(plan, teacher=teacher))[1]
    late = replace(plan, records=tuple(replace(each, status="rejected") for each in plan.records))
    assert "No student of this plan keeps the bound" in published_sentences(late)[1]
    assert published_sentences(replace(plan, plan=None)) == []
    assert published_answer(replace(plan, plan=None)) is None


def test_answer_and_table_hold_the_same(tmp_path: Path) -> None:
    plan = _plan()
    answer = json.loads(json.dumps(published_answer(plan)))
    assert answer["sentences"] == published_sentences(plan)
    best = answer["reach"][0]
    assert (best["tracker"], best["fps"], best["runtime"], best["device"]) == (
        "UETrack-B", 60.0, None, "Jetson AGX Xavier",
    )  # fmt: skip
    assert (answer["plan"]["expected"], answer["plan"]["fidelity"]) == (0.66, "prior")
    assert answer["plan"]["latency_provenance"] == "estimated"
    assert answer["difference"] == pytest.approx(-0.066)
    assert answer["outside_interval"] is True
    text = unescape(write_report(plan, tmp_path).read_text(encoding="utf-8"))
    for sentence in answer["sentences"]:
        assert sentence in text
    with (tmp_path / "published.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert {row["tracker"] for row in rows if row["reaches_bound"] == "true"} == {
        each["tracker"] for each in answer["reach"]
    }
    assert {row["same_device"] for row in rows} == {"true"}


def test_names_stand_beside_the_published_trackers_in_view() -> None:
    drawn = figure(_plan())
    spots = {
        (x, y)
        for trace in drawn["data"]
        if trace["name"].startswith("published")
        for x, y in zip(trace["x"], trace["y"], strict=True)
    }
    names = {each["text"]: (each["x"], each["y"]) for each in drawn["layout"]["annotations"] if each["showarrow"]}
    assert {"UETrack-B", "UETrack-S", "UETrack-T", "SUTrack-T224", "AsymTrack-B", "AsymTrack-T"} <= set(names)
    assert names["UETrack-B"] == (pytest.approx(1000 / 60), 0.726)
    assert set(names.values()) <= spots
    assert "DyTrack-Base" not in names  # 11 fps: far to the right of the plot


def test_names_keep_clear_of_points_and_of_each_other() -> None:
    """Three points in a row, 40 pixels apart: a name of 30 pixels beside each would lie on the next one.

    The plot is 1,150 pixels wide and 500 high, a character 6.6 wide and a line 15 high.
    """
    plot = Plot((0, 1150), (0, 500))
    names = [((x, 250.0), "abcd") for x in (500.0, 540.0, 580.0)]
    first, second, third = label_offsets(names, plot, [], [])
    beside = 2 * 6.6 + 2 + 8
    assert _rounded(first) == (-beside, 0)  # to the left, as to the right stands a point
    assert _rounded(third) == (beside, 0)
    assert second is not None
    assert abs(second[1]) > 10  # above or below
    blocked = [(float(x), float(y)) for x in range(0, 1151, 10) for y in range(0, 501, 10)]
    assert label_offsets(names[:1], plot, blocked, []) == [None]
    (moved,) = label_offsets([((500.0, 250.0), "abcd")], plot, [], [((570.0, 237.0), "variant")])
    assert _rounded(moved) == (-beside, 0)


def _rounded(offset: tuple[float, float] | None) -> tuple[float, float]:
    assert offset is not None
    return round(offset[0], 6), round(offset[1], 6)


@pytest.fixture
def hostile_tables(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The shipped tables with a row whose every text is markup."""

    def table(name: str) -> list[dict[str, str]]:
        rows = ablations.read_table(name)
        text = dict.fromkeys(("tracker", "paper", "table", "note"), HOSTILE)
        figures = {"accuracies": {"named": "", "metric": "GOT-10k AO", "value": "79"}}
        bad = figures.get(name, {"device": "Jetson AGX Xavier", "target": "agx", "runtime": HOSTILE})
        return [*rows, {**rows[0], **text, **bad, **({"fps": "99"} if name == "speeds" else {})}]

    monkeypatch.setattr(published_points, "read_table", table)
    published.cache_clear()
    yield
    published.cache_clear()


class _Tags(HTMLParser):
    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append(tag)


@pytest.mark.usefixtures("hostile_tables")
def test_a_hostile_row_is_inert(tmp_path: Path) -> None:
    plan = _plan()
    assert f"{HOSTILE} with GOT-10k AO 0.790 at 99 fps" in published_sentences(plan)[0]
    page = write_report(plan, tmp_path).read_text(encoding="utf-8")
    assert "img" not in _Tags(page).found
    assert HOSTILE not in page
    traces = [trace for trace in figure(plan)["data"] if trace["name"].startswith("published")]
    names = [each["text"] for each in figure(plan)["layout"]["annotations"]]
    drawn = [*names, *(text for trace in traces for text in trace["hovertext"])]
    assert any("onerror" in text for text in drawn)
    assert not any("<img" in text for text in drawn)
