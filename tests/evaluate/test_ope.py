import json
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from compress.core import FileError, UsageError
from compress.evaluate import evaluate, write_results
from compress.geometry import LoopSettings, NetworkOutput

SETTINGS = LoopSettings(template_size=64, search_size=128, template_factor=2.0, search_factor=4.0, grid=8)


class BrightestCell:
    """A network in numpy: the score is the brightness of a cell, offset and size those of the bright pixels."""

    def encode_template(self, template: Any, template_box: Any, online_template: Any = None) -> Any:
        return None

    def track(self, search: NDArray[np.float32], memory: Any) -> NetworkOutput:
        bright = (search[0].mean(axis=0) > 0).astype(np.uint8)
        x, y, w, h = cv2.boundingRect(bright)
        score = bright.reshape(8, 16, 8, 16).mean(axis=(1, 3), dtype=np.float32)
        cells = np.arange(8, dtype=np.float32)
        offset = np.stack(
            [
                np.broadcast_to((x + w / 2) / 16 - cells, (8, 8)),
                np.broadcast_to(((y + h / 2) / 16 - cells)[:, None], (8, 8)),
            ]
        ).astype(np.float32)
        size = np.broadcast_to(np.array([w, h], np.float32)[:, None, None] / 128, (2, 8, 8))
        return NetworkOutput({"score_map": score[None, None], "size_map": size[None], "offset_map": offset[None]})  # type: ignore[dict-item]


def test_a_tracker_that_sees_the_object_follows_it(slide: Any) -> None:
    seen: list[tuple[str, float]] = []
    sequences = [slide("one"), slide("two", length=4, step=-2)]
    found = evaluate(
        BrightestCell(), SETTINGS, sequences, progress=lambda text, share, _=None: seen.append((text, share))
    )
    assert found.accuracy.ao > 0.85
    assert found.accuracy.sr75 == found.accuracy.precision20 == 1
    assert (found.accuracy.sequences, found.accuracy.frames) == (2, 5 + 3)
    assert [(s.name, s.frames) for s in found.per_sequence] == [("one", 6), ("two", 4)]
    assert seen == [(f"frame {i} of 10", i / 10) for i in range(1, 11)]
    assert found.fps > 10
    assert found.renewals == 0
    np.testing.assert_array_equal(found.boxes["one"][0], sequences[0].boxes[0])
    np.testing.assert_allclose(found.boxes["one"], sequences[0].boxes, atol=1.5)


def test_what_cannot_be_evaluated(slide: Any) -> None:
    with pytest.raises(UsageError, match="no sequences"):
        evaluate(BrightestCell(), SETTINGS, [])
    with pytest.raises(UsageError, match="one came twice"):
        evaluate(BrightestCell(), SETTINGS, [slide("one"), slide("one")])
    with pytest.raises(UsageError, match="Sequence gone, frame 1: .*160x120"):
        evaluate(BrightestCell(), SETTINGS, [slide("gone", start=(400, 5, 20, 20))])


def test_results_are_written(tmp_path: Path, slide: Any) -> None:
    found = evaluate(BrightestCell(), SETTINGS, [slide("one"), slide("lone", length=1)])
    write_results(found, tmp_path / "out")
    assert {p.name for p in (tmp_path / "out").iterdir()} == {"one.txt", "lone.txt", "summary.csv", "summary.json"}
    boxes = np.loadtxt(tmp_path / "out" / "one.txt", delimiter=",")
    np.testing.assert_allclose(boxes, found.boxes["one"], atol=1e-4)
    summary = json.loads((tmp_path / "out" / "summary.json").read_text())
    assert summary["ao_seq"] == found.accuracy.ao_seq
    assert [row["ao"] for row in summary["per_sequence"]] == [found.per_sequence[0].ao, None]
    header, *rows = (tmp_path / "out" / "summary.csv").read_text().splitlines()
    assert header.startswith("name,frames,ao,sr50,sr75,auc")
    assert len(rows) == 2


def test_results_stay_inside_their_folder(tmp_path: Path, slide: Any) -> None:
    found = evaluate(BrightestCell(), SETTINGS, [slide("../escape")])
    with pytest.raises(UsageError, match="cannot be a file name"):
        write_results(found, tmp_path / "out")
    assert not list(tmp_path.iterdir())


def test_a_folder_that_cannot_be_written(tmp_path: Path, slide: Any) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(FileError, match="Cannot write results"):
        write_results(evaluate(BrightestCell(), SETTINGS, [slide()]), tmp_path / "file" / "out")
