from __future__ import annotations

import json
import re
import resource
import shutil
import subprocess
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import jinja2
import pytest

from compress.archive import Archive, CurveFile, Record, read_archive
from compress.core import LatencyConstraint
from compress.report import write_report
from compress.report.figure import figure
from compress.report.finetuned import finetuned_sentence, finetuned_table
from compress.report.learning_curves import curves_figure
from compress.report.page import _environment, _values
from compress.testing.synthetic_run import CONFIG, RECORDS, finetuned, record, teacher, write_synthetic_run

HOSTILE = "</script><script>document.title='taken'</script><img src=x onerror=alert(1)>"


class _Page(HTMLParser):
    """Tags with attributes, and the text of each script."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.words.append(data)

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attrs for name, attrs in self.tags if name == tag]


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Archive:
    return read_archive(write_synthetic_run(tmp_path_factory.mktemp("report") / "run"))


@pytest.fixture(scope="module")
def hostile(archive: Archive) -> Archive:
    bad = replace(archive.records[0], reason=HOSTILE, status="failed", rungs=({"fidelity": HOSTILE, "ao_seq": 0.5},))
    settings = archive.settings | {"teacher": HOSTILE, HOSTILE: {"nested": [HOSTILE]}}
    return replace(archive, run_dir=Path(HOSTILE), records=(bad, *archive.records[1:]), settings=settings)


def _text(archive: Archive, folder: Path) -> str:
    return write_report(archive, folder).read_text(encoding="utf-8")


def test_page_is_self_contained(archive: Archive, tmp_path: Path) -> None:
    text = _text(archive, tmp_path)
    page = _Page(text)
    assert [p.name for p in (tmp_path / "report").iterdir()] == ["index.html"]
    assert not page.all("link")
    assert not page.all("img")
    assert all("src" not in attrs for attrs in page.all("script"))
    assert text.count("* plotly.js v") == 1
    assert "default-src 'none'" in (page.all("meta")[1]["content"] or "")


def test_page_says_what_matters(archive: Archive, tmp_path: Path) -> None:
    words = " ".join(_Page(_text(archive, tmp_path)).words)
    for expected in (
        "ostrack-nano → cpu",
        "at most 0.930 ms per frame (2× the teacher's speed)",
        "v003: 2.1× as fast as the teacher (0.900 ms predicted vs 1.86 ms measured), AO 0.62 ± 0.02, 0.03 below",
        "--variant v003 --out bundle/",
        "4 networks timed whole",
        "0–11",  # the teacher's layers
        "1440 frames of 24 sequences",
        "loss became <b>NaN</b>",
    ):
        assert expected in words


def test_nothing_a_file_says_becomes_markup(archive: Archive, hostile: Archive, tmp_path: Path) -> None:
    plain, text = _text(archive, tmp_path / "a"), _text(hostile, tmp_path / "b")
    assert HOSTILE not in text
    assert text.lower().count("<script") == plain.lower().count("<script")
    assert not _Page(text).all("img")


def test_every_text_of_an_archive_is_escaped(archive: Archive, tmp_path: Path) -> None:
    """Each text of its own, so that one that is not shown at all is seen too."""
    marks = {name: f"<i title=\"{name}\">'{name}'</i>&" for name in ("teacher", "target", "key", "value", "machine")}
    bad = replace(archive.records[0], reason=marks["teacher"], status="failed", measured=None)
    exported = Path("<i>run</i>")
    settings = {"teacher": marks["teacher"], "target": marks["target"], marks["key"]: [marks["value"]]}
    latency = replace(archive.teacher.latency, device=marks["machine"])  # type: ignore[type-var]
    hostile = replace(
        archive,
        run_dir=exported,
        teacher=replace(archive.teacher, measured=latency),
        records=(bad, *archive.records[1:]),
        settings=settings,
        environment={marks["key"]: marks["machine"]},
    )
    text = _text(hostile, tmp_path)
    page = _Page(text)
    assert not page.all("i")
    words = "".join(page.words)
    assert all(mark in words for mark in marks.values())
    assert "<i>run</i>:v003" in words


def test_paths_that_are_no_text_are_shown_with_escapes(archive: Archive, tmp_path: Path) -> None:
    odd = replace(archive, run_dir=Path("caf\udce9"), settings={"teacher": "x", "data": "folder:caf\udce9"})
    text = _text(odd, tmp_path)
    assert "folder:caf\\xe9" in text
    assert "compress export $&#39;caf\\xe9&#39; --variant" in text


def test_a_value_that_the_template_lacks_is_no_silent_gap(archive: Archive) -> None:
    values = _values(archive, "")
    template = _environment().get_template("page.html.j2")
    assert "<h2>Front</h2>" in template.render(values)
    for name in values:
        with pytest.raises(jinja2.UndefinedError):
            template.render({key: value for key, value in values.items() if key != name})


def test_scripts_are_the_ones_the_policy_admits(archive: Archive, tmp_path: Path) -> None:
    import base64
    import hashlib

    text = _text(archive, tmp_path)
    scripts = re.findall(r"<script>(.*?)</script>", text, flags=re.DOTALL)
    assert len(scripts) == 2
    for script in scripts:
        assert base64.b64encode(hashlib.sha256(script.encode()).digest()).decode() in text[:1000]


def test_figure(archive: Archive) -> None:
    drawn = figure(archive)
    assert json.loads(json.dumps(drawn, allow_nan=False)) == drawn
    traces: dict[str, Any] = {trace["name"]: trace for trace in drawn["data"]}
    front = traces["Pareto front (full)"]
    assert front["x"] == [0.63, 0.76, 0.90]
    assert front["y"] == [0.50, 0.60, 0.62]
    assert front["error_y"]["array"] == [0.02] * 3
    assert front["marker"]["symbol"] == ["circle", "circle", "circle-open"]
    assert traces["teacher"]["marker"]["symbol"] == ["star"]
    assert traces["too slow, never trained (no AO)"]["x"] == [1.50]
    assert traces["missed the bound when measured"]["x"] == [0.95]
    assert traces["rung-1, not trained further"]["y"] == [0.48]
    assert drawn["layout"]["shapes"][0]["x0"] == 0.93


def test_nothing_hides_or_reorders_text(archive: Archive, tmp_path: Path) -> None:
    bad = "a\x1b[2J\u202eb\udcff\u200b"
    records = (replace(archive.records[0], reason=bad, status="failed"), *archive.records[1:])
    page = _text(
        replace(
            archive, run_dir=Path(bad), records=records, settings={"target": bad, bad: bad}, environment={bad: bad}
        ),
        tmp_path,
    )
    page = page.split("<script")[0] + "".join(part.split("</script>")[1] for part in page.split("<script")[1:])
    assert not [c for c in page if not c.isprintable() and c not in "\n"]
    assert r"compress export $&#39;a\x1b[2J\xe2\x80\xaeb\xff\xe2\x80\x8b&#39; --variant" in page
    assert r"<td>a\x1b[2J\u202eb\xff\u200b</td>" in page


def test_nothing_meets_the_bound(tmp_path: Path) -> None:
    run = write_synthetic_run(tmp_path / "run", RECORDS[5:6], CONFIG)
    words = " ".join(_Page(_text(read_archive(run), tmp_path)).words)
    assert "The nearest is v005: 1.50 ms predicted, 61% over, never trained." in words
    assert "Loosen the bound" in words


def test_drift_of_the_machine_is_told_apart_from_the_prediction(archive: Archive, tmp_path: Path) -> None:
    done = next(r for r in archive.records if r.predicted and r.measured)
    base = done.measured
    # Everything was predicted 10% too slow, the variant another 1% on top of that.
    first = replace(done, measured=replace(base, mean_ms=1.0), predicted=replace(base, mean_ms=1.1 * 1.01))
    slow = replace(archive.teacher, measured=replace(base, mean_ms=2.0), predicted=replace(base, mean_ms=2.2))
    words = " ".join(_Page(_text(replace(archive, records=(first,), teacher=slow), tmp_path)).words)
    assert "2 networks timed whole: the prediction is off by 10.6% on average, 11.1% at most." in words
    assert "As a speed-up over the teacher, timed in the same run, it is off by 1.0% on average, 1.0% at most." in words


def test_what_was_trained_may_still_be_only_estimated_in_latency(archive: Archive, tmp_path: Path) -> None:
    def estimated(one: Record) -> Record:
        assert one.predicted is not None
        return replace(
            one, measured=None, predicted=replace(one.predicted, provenance="estimated", runs=0, p99_ms=77.7)
        )

    records = tuple(map(estimated, archive.records))
    words = " ".join(
        _Page(_text(replace(archive, records=records, teacher=estimated(archive.teacher)), tmp_path)).words
    )
    assert "No variant was timed: every latency is estimated" in words
    assert "Latencies are estimated for host-1" in words
    assert "77.7" not in words  # no percentile is known
    assert "timed runs" not in words


def test_bare_archive(tmp_path: Path) -> None:
    bare = replace(teacher(), accuracy=None, predicted=None, measured=None)
    archive = Archive(tmp_path, bare, (record(0, 4, 0.5, None, predicted=None),), LatencyConstraint(None))
    assert "No variant has been scored or timed yet." in _text(archive, tmp_path)


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("chromium") is None, reason="needs a browser")
def test_browser_draws_it(hostile: Archive, tmp_path: Path) -> None:
    page = write_report(hostile, tmp_path)
    flags = ["--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"]
    command = ["chromium", *flags, f"--user-data-dir={tmp_path / 'profile'}", "--dump-dom", page.as_uri()]
    dom = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True).stdout
    assert "scatterlayer" in dom
    assert "<title>taken" not in dom


def test_tables_and_page_change_together(archive: Archive, tmp_path: Path) -> None:
    write_report(archive, tmp_path)
    names = ("pareto.csv", "trials.csv", "report/index.html")
    before = {name: (tmp_path / name).read_bytes() for name in names}
    other = replace(archive, records=archive.records[:1])
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_000, limits[1]))  # room for the tables, not for the page
    try:
        with pytest.raises(OSError, match="File too large"):
            write_report(other, tmp_path)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert {name: (tmp_path / name).read_bytes() for name in names} == before
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["index.html", "pareto.csv", "report", "trials.csv"]
    write_report(other, tmp_path)
    assert all((tmp_path / name).read_bytes() != before[name] for name in names)


def test_learning_curves_are_drawn_where_there_are_some(archive: Archive, tmp_path: Path) -> None:
    assert curves_figure(replace(archive, run_dir=tmp_path)) is None
    for variant in ("v001", "v003"):
        for step in (1, 2):
            CurveFile(tmp_path, variant).add(step, {"iou": 0.5, "loss": 3.0 / step})
    records = tuple(replace(each, rungs=({"fidelity": "full", "steps": 2},)) for each in archive.records)
    found = curves_figure(replace(archive, run_dir=tmp_path, records=records))
    assert found is not None
    shown = [trace for trace in found["data"] if trace["visible"]]
    assert [(trace["name"], trace["x"], trace["y"]) for trace in shown] == [
        ("v001", [1, 2], [3.0, 1.5]),
        ("v003", [1, 2], [3.0, 1.5]),
    ]
    buttons = found["layout"]["updatemenus"][0]["buttons"]
    assert [button["label"] for button in buttons] == ["loss", "iou"]
    assert buttons[1]["args"][0] == {"visible": [False, False, True, True]}


def test_fine_tuned_variants_are_compared_with_their_parents(archive: Archive) -> None:
    later = finetuned(archive.records[1])
    archive = replace(archive, finetuned=(later,))
    table = finetuned_table(archive)
    titles = [title for title, _ in table.columns]
    cells = dict(zip(titles, (cell.text for cell in table.rows[0].cells), strict=True))
    assert cells["on validation data"] == "+0.021 ± 0.004"
    assert cells["vs. parent"] == "+0.004 ± 0.004, within noise"
    assert cells["parent's ms"] == "0.810"
    assert cells["speedup"] == "2.37×", "of the session, not of the search"
    assert "on folder:/data/train; AO +0.021 ± 0.004 against 0.600, over the 28" in finetuned_sentence(later)
    names = [trace["name"] for trace in figure(archive)["data"]]
    assert "finetuned: trained on after the search, not of the front" in names
