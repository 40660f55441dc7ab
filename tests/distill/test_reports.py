"""What a training says of itself: its pace, its logs, TensorBoard's files."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path

import pytest
import torch

from compress.core import UsageError
from compress.distill.reports import Pace, Report, Sums, TensorBoard, TrainingLog, displayed, pace


def _report(step: int, loss: float = 0.1) -> Report:
    return Report(step, 10, {"loss": loss, "iou": 0.5}, lr=1e-3, pairs_per_s=1234.5, waiting=0.25, teacher=0.5)


def test_pairs_per_second_and_the_share_that_was_waited() -> None:
    now = 0.0
    found = Pace(clock=lambda: now)
    for _ in range(4):
        with found.waiting():
            now += 0.5
        now += 1.5
        found.add(32)
    assert found.since() == (16.0, 0.25, 0.0)
    now += 1
    assert found.since() == (0.0, 0.0, 0.0)


@pytest.mark.parametrize(("asking", "shares"), [(0.2, (0.3, 0.2)), (0.7, (0.0, 0.5))], ids=["in the loop", "ahead"])
def test_the_teacher_is_told_from_the_pairs(asking: float, shares: tuple[float, float]) -> None:
    """Half of a second each is waited for; what of the asking was over before that is no wait."""
    now = 0.0
    found = Pace(clock=lambda: now)
    for _ in range(2):
        with found.waiting():
            now += 0.5
        found.add(8, asking)
        now += 0.5
    assert found.since() == (8.0, *map(pytest.approx, shares))


def test_sums_begin_anew_after_each_mean() -> None:
    sums = Sums()
    for value in (1.0, 2.0):
        sums.add({"loss": torch.tensor(value)})
    assert sums.means() == {"loss": 1.5}
    assert sums == Sums()


def test_the_display_shows_the_pace() -> None:
    seen: list[tuple[str, float]] = []

    def progress(text: str, share: float, figures: Mapping[str, float] | None = None) -> None:
        seen.append((text, share))

    displayed(progress)(_report(4))
    assert seen == [("step 4 of 10, 1,234 pairs/s, 25% waiting for pairs, 50% for the teacher", 0.4)]


def test_a_log_goes_on_from_the_step_that_is_continued_from(tmp_path: Path) -> None:
    log = TrainingLog(tmp_path / "log.csv")
    for step in (2, 4, 6):
        log(_report(step))
    log(_report(4, loss=1 / 3))
    assert (tmp_path / "log.csv").read_text().splitlines() == ["step,loss,iou", "2,0.1,0.5", "4,0.333333333,0.5"]
    TrainingLog(tmp_path / "pace.csv", pace)(_report(2))
    assert (tmp_path / "pace.csv").read_text().splitlines() == [
        "step,lr,pairs_per_s,waiting,teacher",
        "2,0.001,1234.5,0.25,0.5",
    ]


def test_any_two_losses_are_told_apart(tmp_path: Path) -> None:
    values = [float(each) for each in torch.tensor([0.1, 1 / 3, 123456.789]).nextafter(torch.tensor(0.0))]
    for step, value in enumerate(values, 1):
        TrainingLog(tmp_path / "log.csv")(_report(step, value))
    rows = (tmp_path / "log.csv").read_text().splitlines()[1:]
    assert [float(torch.tensor(float(row.split(",")[1]))) for row in rows] == values


def test_tensorboard_is_asked_for_where_it_is_missing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", None)
    with pytest.raises(UsageError, match=r"tracker-compress\[tensorboard\]"):
        TensorBoard(tmp_path)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_tensorboard_reads_what_was_written(tmp_path: Path) -> None:
    pytest.importorskip("tensorboard")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    first, again = TensorBoard(tmp_path), TensorBoard(tmp_path)
    for step in (2, 4, 6):
        first(_report(step))
    again(_report(4, loss=0.5))
    events = EventAccumulator(str(tmp_path)).Reload()
    assert [(each.step, each.value) for each in events.Scalars("loss/loss")] == [(2, pytest.approx(0.1)), (4, 0.5)]
    figures = ("loss/loss", "loss/iou", "pace/lr", "pace/pairs_per_s", "pace/waiting", "pace/teacher")
    assert set(events.Tags()["scalars"]) == set(figures)
