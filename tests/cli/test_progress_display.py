"""What is drawn of progress, on a terminal and elsewhere; the clock is the test's own."""

from __future__ import annotations

import io
import sys

import pytest

from compress.cli.progress import SECONDS_BETWEEN_LINES, Display, progress_display


class Screen:
    """A clock to be set, and all that was drawn."""

    def __init__(self) -> None:
        self.now = 0.0
        self.drawn: list[tuple[float, str, str]] = []

    def display(self, seconds_between: float = 0.0) -> Display:
        return Display(lambda *what: self.drawn.append(what), seconds_between=seconds_between, clock=lambda: self.now)

    @property
    def left(self) -> str:
        return self.drawn[-1][1]


def test_the_time_left_follows_from_the_pace() -> None:
    screen = Screen()
    display = screen.display()
    display("begins", 0.0)
    assert screen.left == ""
    screen.now = 30.0
    display("hardly begun", 0.01)
    assert screen.left == ""
    display("a quarter", 0.25)
    assert screen.left == "1:30 left"
    screen.now = 600.0
    display("a quarter still", 0.25)
    assert screen.left == "30:00 left"


def test_work_that_continues_in_its_middle_has_its_own_pace() -> None:
    """A training resumed at 80% did not do these in no time."""
    screen = Screen()
    display = screen.display()
    display("resumed", 0.8)
    screen.now = 10.0
    display("on", 0.9)
    assert screen.left == "0:10 left"


def test_a_new_task_has_a_new_pace() -> None:
    screen = Screen()
    display = screen.display()
    display("first", 0.0)
    screen.now = 1000.0
    display("second", 0.0)
    screen.now = 1010.0
    display("second", 0.5)
    assert screen.left == "0:10 left"


def test_lines_come_seldom_and_the_end_always() -> None:
    screen = Screen()
    display = screen.display(SECONDS_BETWEEN_LINES)
    for second in range(12):
        screen.now = second
        display(f"second {second}", second / 20)
    screen.now = 11.5
    display("end", 1.0)
    display("end again", 1.0)
    assert [text for _, _, text in screen.drawn] == ["second 0", "second 5", "second 10", "end"]


def test_figures_follow_the_text() -> None:
    screen = Screen()
    screen.display()("step 1 of 2", 0.5, {"loss": 0.25, "iou": 0.5, "a": 1.0, "b": 2.0, "too much": 3.0})
    assert screen.drawn[0][2] == "step 1 of 2, loss 0.250, iou 0.500, a 1.000, b 2.000"


def test_plain_lines_go_to_stderr(capsys: pytest.CaptureFixture[str]) -> None:
    with progress_display(quiet=False) as progress:
        progress("pairs [bold]", 0.5, {"loss": 0.5})
    captured = capsys.readouterr()
    assert captured.err == " 50% pairs [bold], loss 0.500\n"
    assert captured.out == ""


def test_quiet_says_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    with progress_display(quiet=True) as progress:
        progress("pairs", 0.5)
    assert capsys.readouterr() == ("", "")


def test_a_terminal_gets_a_bar_and_names_are_no_markup(monkeypatch: pytest.MonkeyPatch) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "120")
    with progress_display(quiet=False) as progress:
        progress("pairs of [bold]mine[/bold]", 0.5)
    assert "50%" in terminal.getvalue()
    assert "[bold]mine[/bold]" in terminal.getvalue()
