"""What blocks must cost at least, so that no layer between those that were measured costs less than nothing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from compress.latency.measured.profile_fields import BlockCost

_Key = tuple[int | None, int | None, int, int | None]
"""Heads where some are left out, and the point."""

_Table = Mapping[_Key, tuple[int, float]]
"""Of blocks of one kind the index and the cost."""


def least_block_ms(blocks: Sequence[BlockCost], dim: int, *, eliminating: bool, slack: float = 1.0) -> dict[int, float]:
    """Of each block that is too cheap, by its index, the least that it must cost; empty for every sound profile.

    Reduced attention, of fewer dimensions or heads, changes a layer's cost, and must leave even the thinnest some.
    Where tokens are eliminated, attention is what remains of a layer without hidden units, and must not be less than
    nothing.

    Args:
        dim: Of the tokens.
        eliminating: Whether it is known what eliminating tokens costs, so that such layers are predicted.
        slack: 1 for the bound itself; a little below 1 to stay clear of it.
    """
    tables: dict[tuple[object, ...], dict[_Key, tuple[int, float]]] = {}
    for i, block in enumerate(blocks):
        table = tables.setdefault((block.attention, block.stage, block.tokens, block.template), {})
        table[block.heads, *block.point] = i, block.ms
    found: dict[int, float] = {}
    for table in tables.values():
        if eliminating:
            found |= dict(_too_cheap_thin(table, slack))
        found |= dict(_too_cheap_reduced(table, blocks, found, slack))
        found |= dict(_too_cheap_pruned(table, blocks, found, dim, slack))
    return found


def _too_cheap_thin(table: _Table, slack: float) -> Iterator[tuple[int, float]]:
    unreduced = {
        hidden: entry for (*reduced, hidden, dims), entry in table.items() if reduced == [None, None] and not dims
    }
    if len(unreduced) > 1:
        thin, wide = min(unreduced), max(unreduced)
        least = unreduced[wide][1] * thin / wide
        if unreduced[thin][1] < least:
            yield unreduced[thin][0], least / slack


def _too_cheap_reduced(
    table: _Table, blocks: Sequence[BlockCost], raised: Mapping[int, float], slack: float
) -> Iterator[tuple[int, float]]:
    thinnest = _thinnest(table, blocks, raised)
    for (heads, attn, hidden, dims), (index, ms) in table.items():
        whole = table.get((None, None, hidden, dims))
        if heads is None and attn is not None and whole is not None:
            full = _cost(whole[0], blocks, raised)
            if ms < full - thinnest:
                yield index, full - slack * thinnest


def _too_cheap_pruned(
    table: _Table, blocks: Sequence[BlockCost], raised: Mapping[int, float], dim: int, slack: float
) -> Iterator[tuple[int, float]]:
    """Over fewer dimensions heads save as much less, and both together must leave the thinnest layer some."""
    thinnest = _thinnest(table, blocks, raised)
    most = [thinnest]
    for (heads, attn, hidden, dims), (index, _) in table.items():
        whole = table.get((None, None, hidden, dims))
        if heads is None and attn and whole is not None:
            left = thinnest + _cost(index, blocks, raised) - _cost(whole[0], blocks, raised)
            most.append(left * dim / attn)
    for (heads, attn, hidden, dims), (index, ms) in table.items():
        whole = table.get((None, attn, hidden, dims))
        if heads is not None and whole is not None:
            full = _cost(whole[0], blocks, raised)
            if ms < full - min(most):
                yield index, full - slack * min(most)


def _thinnest(table: _Table, blocks: Sequence[BlockCost], raised: Mapping[int, float]) -> float:
    """Cost of the cheapest layer whose attention is not reduced."""
    whole = (index for (heads, attn, *_), (index, _) in table.items() if heads is None and attn is None)
    return min((_cost(index, blocks, raised) for index in whole), default=0.0)


def _cost(index: int, blocks: Sequence[BlockCost], raised: Mapping[int, float]) -> float:
    return raised.get(index, blocks[index].ms)
