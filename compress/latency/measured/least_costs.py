"""What blocks must cost at least, so that no layer between those that were measured costs less than nothing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from compress.latency.measured.profile_fields import BlockCost

_Table = Mapping[tuple[int | None, int, int | None], tuple[int, float]]
"""Of blocks of one kind, by point, the index and the cost."""


def least_block_ms(blocks: Sequence[BlockCost], *, eliminating: bool, slack: float = 1.0) -> dict[int, float]:
    """Of each block that is too cheap, by its index, the least that it must cost; empty for every sound profile.

    Reduced attention changes a layer's cost, and must leave even the thinnest layer some. Where tokens are eliminated,
    attention is what remains of a layer without hidden units, and must not be less than nothing.

    Args:
        eliminating: Whether it is known what eliminating tokens costs, so that such layers are predicted.
        slack: 1 for the bound itself; a little below 1 to stay clear of it.
    """
    tables: dict[tuple[object, ...], dict[tuple[int | None, int, int | None], tuple[int, float]]] = {}
    for i, block in enumerate(blocks):
        tables.setdefault((block.attention, block.stage, block.tokens, block.template), {})[block.point] = i, block.ms
    found: dict[int, float] = {}
    for table in tables.values():
        if eliminating:
            found |= dict(_too_cheap_thin(table, slack))
        found |= dict(_too_cheap_reduced(table, blocks, found, slack))
    return found


def _too_cheap_thin(table: _Table, slack: float) -> Iterator[tuple[int, float]]:
    unreduced = {hidden: entry for (attn, hidden, dims), entry in table.items() if attn is None and dims is None}
    if len(unreduced) > 1:
        thin, wide = min(unreduced), max(unreduced)
        least = unreduced[wide][1] * thin / wide
        if unreduced[thin][1] < least:
            yield unreduced[thin][0], least / slack


def _too_cheap_reduced(
    table: _Table, blocks: Sequence[BlockCost], raised: Mapping[int, float], slack: float
) -> Iterator[tuple[int, float]]:
    def cost(index: int) -> float:
        return raised.get(index, blocks[index].ms)

    grid = [cost(index) for (attn, _, _), (index, _) in table.items() if attn is None]
    for (attn, hidden, dims), (index, ms) in table.items():
        whole = table.get((None, hidden, dims))
        if attn is not None and whole is not None and ms < cost(whole[0]) - min(grid):
            yield index, cost(whole[0]) - slack * min(grid)
