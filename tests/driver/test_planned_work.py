"""Shares of a search from pieces of work."""

from __future__ import annotations

from collections.abc import Mapping

from compress.driver.planned_work import PlannedWork

Call = tuple[str, float, Mapping[str, float] | None]


def _work() -> tuple[PlannedWork, list[Call]]:
    seen: list[Call] = []
    return PlannedWork(lambda text, share, figures=None: seen.append((text, share, figures))), seen


def test_pieces_add_up() -> None:
    work, seen = _work()
    work.start([4, 6])
    piece = work.piece(4)
    piece("half of it", 0.5, {"loss": 1.0})
    work.add(4, "done")
    work.piece(6)("half of the rest", 0.5)
    work.add(6, "all")
    assert seen == [
        ("half of it", 0.2, {"loss": 1.0}),
        ("done", 0.4, None),
        ("half of the rest", 0.7, None),
        ("all", 1.0, None),
    ]


def test_more_work_than_planned_is_no_more_than_all() -> None:
    work, seen = _work()
    work.start([2])
    work.add(3, "more")
    work.piece(5)("and more", 1.0)
    assert [share for _, share, _ in seen] == [1.0, 1.0]


def test_work_that_was_not_planned_leaves_the_share() -> None:
    work, seen = _work()
    work.start([4])
    work.add(1, "one")
    work.beside("Pool")("making pairs", 0.5)
    assert seen[-1] == ("Pool: making pairs (50%)", 0.25, None)


def test_portions_that_the_time_does_not_allow_are_not_waited_for() -> None:
    """Ten portions of 10 units; at a unit each second the fourth begins after the 25 seconds that there are."""
    now = 100.0
    work, seen = _work()
    work.clock = lambda: now
    work.start([10.0] * 10, deadline=100 + 5 + 25)
    work.say("making pairs")
    now += 5
    work.beside("Pool")("made", 1.0)
    piece = work.piece(10)
    for second in range(1, 11):
        now += 1
        piece("at work", second / 10)
        assert work.expected == 30
        assert seen[-1][1] == second / 30
    work.add(10, "one")
    now += 10  # slower: the second takes 20 seconds, so that no third one begins
    work.piece(10)("at work", 0.2)
    assert work.expected == 20
    before = seen[-1][1]
    now += 0.1
    work.piece(10)("faster again, yet the share never falls", 0.9)
    assert work.expected == 30
    assert seen[-1][1] >= before
    now += 100
    work.add(10, "two")
    assert seen[-1][1] == 1.0
