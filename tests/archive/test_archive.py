from __future__ import annotations

import sqlite3
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from compress.archive import Archive, read_archive
from compress.core import FileError, LatencyConstraint, UsageError
from compress.testing.synthetic_run import (
    CONFIG,
    RECORDS,
    accuracy,
    latency,
    record,
    teacher,
    with_exits,
    write_synthetic_run,
)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_synthetic_run(tmp_path_factory.mktemp("runs") / "a run? 100%")


def _archive(*records: object, max_ms: float | None = 1.0) -> Archive:
    return Archive(Path("r"), teacher(), records, LatencyConstraint(max_ms))  # type: ignore[arg-type]


def test_reads_what_was_stored(run: Path) -> None:
    archive = read_archive(run)
    assert [r.variant for r in archive.records] == [r.variant for r in RECORDS]
    assert archive.teacher == teacher()
    assert archive.constraint == LatencyConstraint(0.93, {"speedup": 2.0})
    assert archive.settings["sampler"] == "tpe"
    assert archive.variant("v003") == RECORDS[3]


def test_what_came_later_is_merged_in(run: Path) -> None:
    archive = read_archive(run)
    assert archive.variant("v001").measured == latency(0.76, "measured")
    assert archive.variant("v002").status == "duplicate"
    missed = archive.variant("v004")
    assert missed.status == "missed"
    assert "0.95 ms" in missed.reason
    assert "0.93 ms" in missed.reason


def test_front_by_fidelity(run: Path) -> None:
    archive = read_archive(run)
    assert [r.variant for r in archive.front()] == ["v000", "v001", "v003"]
    assert [r.variant for r in archive.front("rung-1")] == ["v007"]
    assert [r.variant for r in archive.front_table()] == ["v000", "v001", "v003", "teacher"]
    assert archive.fidelity == "full"


def test_a_variant_slower_than_the_teacher_must_be_better() -> None:
    slow = record(0, 12, 2.0, 0.64)
    assert _archive(slow, max_ms=None).front() == []
    better = replace(slow, accuracy=accuracy(0.66))
    assert _archive(better, max_ms=None).front() == [better]


def test_the_bound_binds() -> None:
    inside, outside = record(0, 4, 0.9, 0.5), record(1, 4, 1.1, 0.6)
    assert _archive(inside, outside).front() == [inside]
    tail = LatencyConstraint(1.0, at="p99")
    assert not tail.met_by(inside.latency)


def test_the_bound_may_bind_the_worst_path() -> None:
    dynamic, static = with_exits(), record(0, 4, 0.9, 0.5)
    mean, worst = LatencyConstraint(1.0), LatencyConstraint(1.0, at="worst")
    assert mean.met_by(dynamic.latency)
    assert mean.met_at_worst(dynamic.latency) is False
    assert not worst.met_by(dynamic.latency)
    assert worst.met_by(static.latency)
    assert mean.met_at_worst(static.latency) is None
    assert LatencyConstraint(1.2, at="worst").met_by(dynamic.latency)


def test_no_variant_within_the_bound() -> None:
    archive = _archive(record(0, 4, 1.1, 0.6))
    assert archive.front_table() == [archive.teacher]
    assert archive.hypervolume() == 0.0


def test_hypervolume_by_hand() -> None:
    # Of the box [0, 1] ms × [0, 1] AO: 0.5 wide × 0.4 high, and 0.2 wide × 0.6 high, of which 0.2 × 0.4 twice.
    archive = _archive(record(0, 4, 0.5, 0.4), record(1, 5, 0.8, 0.6))
    assert archive.hypervolume() == pytest.approx(0.5 * 0.4 + 0.2 * 0.6 - 0.2 * 0.4)
    assert archive.hypervolume(reference_ms=2.0) == pytest.approx(0.75 * 0.4 + 0.6 * 0.2)


def test_hypervolume_agrees_with_counting() -> None:
    rng = np.random.default_rng(0)
    points = rng.uniform([0.1, 0.1], [0.9, 0.6], size=(12, 2))
    archive = _archive(*(record(i, 4, ms, ao) for i, (ms, ao) in enumerate(points)))
    darts = rng.uniform(size=(20_000, 2))
    hit = ((darts[:, None, 0] >= points[:, 0]) & (darts[:, None, 1] <= points[:, 1])).any(axis=1)
    assert archive.hypervolume() == pytest.approx(hit.mean(), abs=0.015)


def test_unknown_variant(run: Path) -> None:
    with pytest.raises(UsageError, match="v003"):
        read_archive(run).variant("v03")


def test_constraint_from_how_it_was_given(tmp_path: Path) -> None:
    assert read_archive(write_synthetic_run(tmp_path / "s")).constraint.max_ms == pytest.approx(0.93)
    by_fps = CONFIG.replace("speedup: 2.0", "fps: 500")
    assert read_archive(write_synthetic_run(tmp_path / "f", config=by_fps)).constraint == LatencyConstraint(
        2.0, {"fps": 500.0}
    )


def test_not_a_run_directory(tmp_path: Path) -> None:
    with pytest.raises(FileError, match="not a run directory"):
        read_archive(tmp_path)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("content", [b"", b"not a database at all" * 100])
def test_damaged_database(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "config.yaml").write_text(CONFIG)
    (tmp_path / "study.db").write_bytes(content)
    with pytest.raises(FileError, match="study"):
        read_archive(tmp_path)
    assert (tmp_path / "study.db").read_bytes() == content


def test_truncated_database(tmp_path: Path) -> None:
    path = write_synthetic_run(tmp_path / "t") / "study.db"
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(FileError, match=r"study\.db"):
        read_archive(path.parent)


def test_a_record_that_is_none(tmp_path: Path) -> None:
    run = write_synthetic_run(tmp_path / "h")
    with sqlite3.connect(run / "study.db") as db:
        db.execute("UPDATE trial_user_attributes SET value_json = '[1]' WHERE trial_id = 1")
    db.close()
    with pytest.raises(FileError, match="record"):
        read_archive(run)


_BOMB = "a: &a [1, 1]\n" + "".join(f"{b}: &{b} [*{a}, *{a}]\n" for a, b in zip("abcdefgh", "bcdefghi", strict=True))


@pytest.mark.parametrize(
    "config",
    [
        *("a: [", "- 1", "fps: -1", "speedup: soon", "fps_at: p42", "fps: 2\nspeedup: 2", "fps: 0", "fps: .nan"),
        *(f"fps: {10**400}", "speedup: .inf", "fps_at: [1]", "a: &a [*a]", _BOMB, "[" * 5000, "a: " + "x" * 300_000),
    ],
    ids=lambda config: config[:12],
)
def test_damaged_settings(run: Path, tmp_path: Path, config: str) -> None:
    (tmp_path / "config.yaml").write_text(config)
    (tmp_path / "study.db").write_bytes((run / "study.db").read_bytes())
    with pytest.raises(FileError, match=r"config\.yaml"):
        read_archive(tmp_path)


@pytest.mark.parametrize("text", ["{", '{"a": "\\ud800"}', '{"a": "\\u001b[2J"}', "[" * 100_000, f'{{"a": {10**400}}}'])
def test_a_damaged_environment_is_left_out(run: Path, tmp_path: Path, text: str) -> None:
    for name in ("config.yaml", "study.db"):
        (tmp_path / name).write_bytes((run / name).read_bytes())
    (tmp_path / "environment.json").write_text(text)
    assert read_archive(tmp_path).environment == {}


def test_nothing_tried_yet(tmp_path: Path) -> None:
    with pytest.raises(FileError, match="tried nothing yet"):
        read_archive(write_synthetic_run(tmp_path / "e", records=()))
