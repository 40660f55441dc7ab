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
    work.start(10)
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
    work.start(2)
    work.add(3, "more")
    work.piece(5)("and more", 1.0)
    assert [share for _, share, _ in seen] == [1.0, 1.0]


def test_work_that_was_not_planned_leaves_the_share() -> None:
    work, seen = _work()
    work.start(4)
    work.add(1, "one")
    work.beside("Pool")("making pairs", 0.5)
    assert seen[-1] == ("Pool: making pairs (50%)", 0.25, None)


def test_time_that_is_over_counts_where_it_is_more() -> None:
    """A hundred units in a hundred seconds, of which less is done than time passes, until the end is near."""
    now = 100.0
    work, seen = _work()
    work.clock = lambda: now
    work.start(100, deadline=200)
    piece = work.piece(10)
    now += 20
    piece("slow", 0.5)
    assert seen[-1][1] == 0.2
    work.add(60, "found in the store")
    assert seen[-1][1] == 0.6
    now += 10
    work.say("the share never falls")
    assert seen[-1][1] == 0.6
    now += 80
    work.say("late")
    assert seen[-1][1] == 1.0
