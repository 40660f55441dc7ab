"""Which patches of a template go on: drawn, and in every size."""

from __future__ import annotations

import math

import pytest

from compress.core.central_patches import central_patches

DRAWN = {
    (4, 0.25): """
        . . . .
        . # # .
        . # # .
        . . . .""",
    (4, 0.5): """
        . # # .
        # # # #
        # # # #
        . # # .""",
    (5, 0.3): """
        . . . . .
        . # # # .
        . # # # .
        . # # # .
        . . . . .""",
    (7, 0.4): """
        . . . . . . .
        . . # # # . .
        . # # # # # .
        . # # # # # .
        . # # # # # .
        . . # # # . .
        . . . . . . .""",
}


@pytest.mark.parametrize(("side", "share"), DRAWN)
def test_drawn(side: int, share: float) -> None:
    cells = DRAWN[side, share].split()
    assert central_patches(side, share) == tuple(i for i, cell in enumerate(cells) if cell == "#")


def test_no_fewer_than_the_share_and_the_middle_always() -> None:
    for side in range(1, 25):
        assert central_patches(side, None) == tuple(range(side**2))
        for share in (1e-9, 0.1, 0.25, 0.5, 0.75, 0.999):
            kept = central_patches(side, share)
            assert len(kept) >= math.ceil(share * side**2)
            assert (side - 1) // 2 * (side + 1) in kept
            assert {(i % side) * side + i // side for i in kept} == set(kept)  # rows and columns exchanged
            assert {side**2 - 1 - i for i in kept} == set(kept)
