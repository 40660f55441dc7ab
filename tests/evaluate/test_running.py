"""Evaluations that are stopped and gone on with, by one process and by several, and what must not be mixed."""

from __future__ import annotations

import csv
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from compress.cli.run import printed_warnings
from compress.core import CompressError, FileError, UsageError
from compress.core.locks import locked
from compress.data import open_source
from compress.evaluate import EvaluationOptions, run_evaluation
from compress.testing.brightest_cell import SETTINGS, BrightestCellTracker

NAMES = ("a", "b", "c", "d")


@pytest.fixture
def folder(tmp_path: Path, slide: Any) -> Path:
    """Four sequences of 4 to 7 frames, as files."""
    place = tmp_path / "data"
    for k, name in enumerate(NAMES):
        sequence = slide(name, length=4 + k)
        (place / name).mkdir(parents=True)
        for index in range(len(sequence)):
            cv2.imwrite(str(place / name / f"{index + 1:04d}.png"), sequence.frame(index))
        (place / name / "groundtruth.txt").write_text(
            "\n".join(",".join(f"{v:g}" for v in box) for box in sequence.boxes)
        )
    return place


class Stopping:
    """A source whose third sequence cannot be read for now."""

    def __init__(self, source: Any, stop: BaseException | None) -> None:
        self._source, self._stop = source, stop
        self.name, self.fingerprint = source.name, source.fingerprint
        self.frames = 0

    def sequences(self, split: str = "test") -> list[Any]:
        return [_Watched(each, self) for each in self._source.sequences()]

    def seen(self, name: str) -> None:
        self.frames += 1
        if name == "c" and self._stop is not None:
            raise self._stop


class _Watched:
    def __init__(self, sequence: Any, source: Stopping) -> None:
        self._sequence, self._source = sequence, source
        self.name, self.boxes, self.visible = sequence.name, sequence.boxes, sequence.visible

    def __len__(self) -> int:
        return len(self._sequence)

    def frame(self, index: int, /) -> Any:
        self._source.seen(self.name)
        return self._sequence.frame(index)


def _run(folder: Path, results: Path | None = None, *, tracker: Any = None, stop: Any = None, **options: Any) -> Any:
    source = Stopping(open_source(f"folder:{folder}"), stop)
    found = run_evaluation(tracker or BrightestCellTracker(), source, EvaluationOptions(results, **options))
    return found, source.frames


def _files(place: Path) -> dict[str, str]:
    """Everything that does not tell of times."""
    names = sorted(path.relative_to(place).as_posix() for path in place.rglob("*.txt"))
    texts = {name: (place / name).read_text() for name in names if "time" not in name}
    summary = json.loads((place / "summary.json").read_text())
    for key in ("fps", "workers"):
        del summary[key]
    return {**texts, "summary": json.dumps(summary), "metrics": (place / "metrics.csv").read_text()}


def test_a_stopped_evaluation_goes_on_with_what_had_ended(folder: Path, tmp_path: Path) -> None:
    results = tmp_path / "r"
    with pytest.raises(KeyboardInterrupt):
        _run(folder, results, stop=KeyboardInterrupt())
    assert {path.name for path in results.glob("*.txt")} == {"a.txt", "b.txt"}
    with pytest.raises(UsageError, match="has not ended. Add --resume"):
        _run(folder, results)
    found, frames = _run(folder, results, resume=True)
    assert frames == 6 + 7
    assert found.names == list(NAMES)
    assert _run(folder, tmp_path / "whole")[1] == 4 + 5 + 6 + 7
    assert _files(results) == _files(tmp_path / "whole")
    again, frames = _run(folder, results, resume=True)
    assert frames == 0
    assert again.evaluation.accuracy == found.evaluation.accuracy


def test_another_format_is_written_without_following_again(folder: Path, tmp_path: Path) -> None:
    _run(folder, tmp_path / "r")
    assert _run(folder, tmp_path / "r", resume=True, file_format="got10k")[1] == 0
    boxes = np.loadtxt(tmp_path / "r" / "b" / "b_001.txt", delimiter=",")
    np.testing.assert_allclose(boxes, np.loadtxt(tmp_path / "r" / "b.txt", delimiter=","), atol=1e-3)
    assert len((tmp_path / "r" / "b" / "b_time.txt").read_text().splitlines()) == 5
    assert (tmp_path / "r" / "submission.zip").is_file()


def test_files_of_one_name_are_those_of_the_format(folder: Path, tmp_path: Path) -> None:
    """`pytracking` has `b.txt`, too, with tabs between whole pixels."""
    _run(folder, tmp_path / "whole", file_format="lasot")
    _run(folder, tmp_path / "r", file_format="pytracking")
    assert _run(folder, tmp_path / "r", resume=True, file_format="lasot")[1] == 0
    assert (tmp_path / "r" / "b.txt").read_text() == (tmp_path / "whole" / "b.txt").read_text()


def test_a_folder_that_cannot_be_written(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(FileError, match="Cannot write results"):
        _run(folder, tmp_path / "file" / "out")


@pytest.mark.parametrize(
    ("other", "message"),
    [
        ({"weights": "darkest"}, "another evaluation, of other weights. Give"),
        ({"settings": replace(SETTINGS, search_factor=3.0)}, "of another update interval or constant of"),
    ],
)
def test_another_evaluation_is_not_gone_on_with(
    folder: Path, tmp_path: Path, other: dict[str, Any], message: str
) -> None:
    _run(folder, tmp_path / "r")
    with pytest.raises(UsageError, match=message):
        _run(folder, tmp_path / "r", tracker=BrightestCellTracker(**other), resume=True)
    _run(folder, tmp_path / "r", tracker=BrightestCellTracker(**other))  # replaced, since it had ended


def test_other_data_is_not_gone_on_with(folder: Path, tmp_path: Path) -> None:
    _run(folder, tmp_path / "r")
    (folder / "a" / "groundtruth.txt").write_text("60,50,20,21\n" * 4)
    with pytest.raises(UsageError, match="of other data"):
        _run(folder, tmp_path / "r", resume=True)


@pytest.mark.parametrize(
    "damage", ["{", '{"boxes": []}', '{"boxes": [[1,2,3,4]], "seconds": [1], "size": [9, 9]}'], ids=len
)
def test_a_damaged_record_is_named(folder: Path, tmp_path: Path, damage: str) -> None:
    _run(folder, tmp_path / "r")
    (tmp_path / "r" / ".compress" / "sequences" / "b.json").write_text(damage)
    with pytest.raises(FileError, match=r"b\.json is not a record of a sequence.*Remove it"):
        _run(folder, tmp_path / "r", resume=True)


def test_a_folder_is_written_by_one_process(folder: Path, tmp_path: Path) -> None:
    with (
        locked(tmp_path / "r" / ".compress" / "lock"),
        pytest.raises(CompressError, match="Another process writes results"),
    ):
        _run(folder, tmp_path / "r")


@pytest.mark.parametrize("resume", [True, False])
def test_results_of_an_older_version_are_neither_replaced_nor_gone_on_with(
    folder: Path, tmp_path: Path, resume: bool
) -> None:
    (tmp_path / "r").mkdir()
    for name in ("a.txt", "summary.json"):
        (tmp_path / "r" / name).write_text("{}")
    with pytest.raises(UsageError, match="older version"):
        _run(folder, tmp_path / "r", resume=resume)
    assert (tmp_path / "r" / "a.txt").read_text() == "{}"


def test_files_count_pixels_as_the_data_set_does(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Stopping, "first_pixel", 1, raising=False)
    found, _ = _run(folder, tmp_path / "r")
    boxes = np.loadtxt(tmp_path / "r" / "a.txt", delimiter=",")
    np.testing.assert_allclose(boxes, found.runs[0].boxes + [1, 1, 0, 0], atol=1e-4)


def test_only_a_first_box_is_known(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_Watched, "first_only", True, raising=False)
    with pytest.raises(UsageError, match="Only the first box is known of all 4 sequences.*--results"):
        _run(folder)
    found, _ = _run(folder, tmp_path / "r", file_format="got10k")
    assert (found.evaluation, found.total) == (None, None)
    assert found.unscored == list(NAMES)
    assert len(np.loadtxt(tmp_path / "r" / "d" / "d_001.txt", delimiter=",")) == 7
    assert {path.name for path in (tmp_path / "r").glob("*.*")} == {".compress", "submission.zip", "summary.json"}


def test_figures_by_attribute_and_plots(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        _Watched, "attributes", property(lambda self: frozenset({"fast"} if self.name < "c" else {"fast", "<dark>"}))
    , raising=False)  # fmt: skip
    found, _ = _run(folder, tmp_path / "r", metrics="got10k")
    assert [(each.name, each.sequences) for each in found.attributes] == [("<dark>", 2), ("fast", 4)]
    assert found.attributes[1].figures.values == found.total.values
    with (tmp_path / "r" / "attributes.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [row["attribute"] for row in rows] == ["<dark>", "fast"]
    assert float(rows[1]["ao"]) == found.total.values["ao"]
    with (tmp_path / "r" / "metrics.csv").open() as file:
        assert [row["sequence"] for row in csv.DictReader(file)] == [*NAMES, "all"]
    svg = (tmp_path / "r" / "success.svg").read_text()
    assert f"tracker [{found.total.values['ao']:.3f}]" in svg
    assert svg.count("<polyline") == 1


def test_what_cannot_be_asked_for(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="--resume goes on from the folder of --results"):
        _run(folder, resume=True)
    with pytest.raises(UsageError, match="Unknown format of result files 'got10'. Did you mean got10k"):
        _run(folder, tmp_path / "r", file_format="got10")
    with pytest.raises(UsageError, match="Unknown convention of metrics 'lazot'"):
        _run(folder, tmp_path / "r", metrics="lazot")
    assert not (tmp_path / "r").exists()


def test_several_processes_find_the_same(folder: Path, tmp_path: Path) -> None:
    seen: list[float] = []
    source, options = open_source(f"folder:{folder}"), EvaluationOptions(tmp_path / "r", workers=2)
    found = run_evaluation(BrightestCellTracker(), source, options, lambda _, share, __=None: seen.append(share))
    assert (found.workers, seen[-1]) == (2, 1.0)
    alone, _ = _run(folder, tmp_path / "alone")
    assert alone.workers == 1
    assert _files(tmp_path / "r") == _files(tmp_path / "alone")
    for one, other in zip(found.runs, alone.runs, strict=True):
        np.testing.assert_array_equal(one.boxes, other.boxes)


def test_what_processes_warn_of_is_said_once(folder: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """The order of frames is in doubt: this process finds it when it lists them, workers when they read them."""
    animals = ("ant", "bee", "cat", "dog", "eel", "fox", "gnu")
    for name in NAMES:
        for path, animal in zip(sorted((folder / name).glob("*.png")), animals, strict=False):
            path.rename(path.with_stem(animal))
    with printed_warnings():
        run_evaluation(BrightestCellTracker(), open_source(f"folder:{folder}"), EvaluationOptions(workers=2))
    said = [line for line in capsys.readouterr().err.splitlines() if "order of its images is doubtful" in line]
    assert sorted(line.split("/")[-1].partition(":")[0] for line in said) == list(NAMES)


@pytest.mark.slow
def test_a_lost_process_loses_what_it_was_at(folder: Path, tmp_path: Path) -> None:
    source, options = open_source(f"folder:{folder}"), EvaluationOptions(tmp_path / "r", workers=2)
    with pytest.raises(CompressError, match="A worker process was lost: it was killed, as happens where memory"):
        run_evaluation(BrightestCellTracker(killed_at=8), source, options)
    records = {path.stem for path in (tmp_path / "r" / ".compress" / "sequences").iterdir()}
    assert records
    assert records < set(NAMES)
    run_evaluation(BrightestCellTracker(), source, replace(options, resume=True))
    _run(folder, tmp_path / "alone")
    assert _files(tmp_path / "r") == _files(tmp_path / "alone")


@pytest.mark.slow
def test_what_a_worker_finds_wrong_is_raised_here(folder: Path) -> None:
    source = open_source(f"folder:{folder}")
    _ = source.sequences()
    for name in NAMES:
        (folder / name / "0002.png").write_bytes(b"no image")
    with pytest.raises(FileError, match=r"Sequence ., frame 2: .*0002\.png"):
        run_evaluation(BrightestCellTracker(), source, EvaluationOptions(workers=2))
