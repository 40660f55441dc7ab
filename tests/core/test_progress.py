"""Progress of a part within a whole."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from compress.core.progress import no_progress, part


class Seen:
    """Keeps what a `Progress` was called with."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, float, Mapping[str, float] | None]] = []

    def __call__(self, text: str, share: float, figures: Mapping[str, float] | None = None) -> None:
        self.calls.append((text, share, figures))


def test_a_part_fills_its_span() -> None:
    seen = Seen()
    second = part(seen, 0.5, 1.0, "timing")
    second("round 1 of 2", 0.0)
    second("round 2 of 2", 1.0, {"ms": 3.0})
    assert seen.calls == [("timing: round 1 of 2", 0.5, None), ("timing: round 2 of 2", 1.0, {"ms": 3.0})]


def test_parts_nest() -> None:
    seen = Seen()
    part(part(seen, 0.2, 0.6), 0.5, 1.0)("deep", 0.5)
    text, share, _ = seen.calls[0]
    assert text == "deep"
    assert share == pytest.approx(0.5)


@pytest.mark.parametrize(("share", "whole"), [(-1.0, 0.25), (2.0, 0.75)])
def test_a_part_never_leaves_its_span(share: float, whole: float) -> None:
    seen = Seen()
    part(seen, 0.25, 0.75)("text", share)
    assert seen.calls[0][1] == whole


def test_nobody_reads_no_progress() -> None:
    no_progress("text", 0.5, {"loss": 1.0})
