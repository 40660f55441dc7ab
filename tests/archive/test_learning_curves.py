from __future__ import annotations

from pathlib import Path

import pytest

from compress.archive import CurveFile, CurvePoint, distilling_step, read_curve


def test_a_curve_is_read_as_it_was_written(tmp_path: Path) -> None:
    CurveFile(tmp_path, "v001").add(20, {"loss": 3.0, "iou": 0.5})
    CurveFile(tmp_path, "v001", before=20).add(7, {"loss": 2.0})
    assert read_curve(tmp_path, "v001") == [CurvePoint(20, {"loss": 3.0, "iou": 0.5}), CurvePoint(27, {"loss": 2.0})]
    assert read_curve(tmp_path, "v002") == []


def test_steps_that_were_done_again_count_once(tmp_path: Path) -> None:
    curve = CurveFile(tmp_path, "v001")
    for step, loss in ((1, 3.0), (2, 2.5), (1, 3.0), (2, 2.0)):
        curve.add(step, {"loss": loss})
    assert [point.parts["loss"] for point in read_curve(tmp_path, "v001")] == [3.0, 2.0]


@pytest.mark.parametrize(
    "line",
    [
        '{"step": 2, "lo',
        "[]",
        '{"loss": 1.0}',
        '{"step": "2", "loss": 1.0}',
        '{"step": -1, "loss": 1.0}',
        '{"step": true, "loss": 1.0}',
        '{"step": 2, "loss": "x"}',
        '{"step": 2, "loss": 1e300}',
        '{"step": 2, "loss": NaN}',
        "[" * 5000,
        "\x00",
    ],
)
def test_what_is_no_point_is_left_out(tmp_path: Path, line: str) -> None:
    CurveFile(tmp_path, "v001").add(1, {"loss": 3.0})
    with (tmp_path / "curves" / "v001.jsonl").open("a") as file:
        file.write(line + "\n")
    assert [point.step for point in read_curve(tmp_path, "v001")] == [1]


def test_a_line_that_was_cut_short_takes_no_other_with_it(tmp_path: Path) -> None:
    curve = CurveFile(tmp_path, "v001")
    curve.add(1, {"loss": 3.0})
    with (tmp_path / "curves" / "v001.jsonl").open("a") as file:
        file.write('{"step": 2, "lo')
    curve.add(3, {"loss": 2.0})
    assert [point.step for point in read_curve(tmp_path, "v001")] == [1, 3]


def test_progress_of_other_work_is_no_step() -> None:
    assert distilling_step("Distilling: step 7 of 140") == 7
    assert distilling_step("Distilling: step 7 of 140, 350 pairs/s") == 7
    assert distilling_step("Shared weights: step 7 of 140") is None
    assert distilling_step("Scoring: frame 3 of 9") is None
