"""What a student of other crops than its teacher's is trained on: the teacher's crops and answers, at its own sizes.

Pairs are cropped, and the teacher asked, once for all students. Boxes are shares of a crop, and mean the same at every
size; crops, maps and tokens are resampled here.
"""

from __future__ import annotations

import math
from dataclasses import replace

import torch
import torch.nn.functional as F
from torch import Tensor

from compress.core import TrackerSpec
from compress.distill.batches import Batch

_LOW = 1e-4
"""The least score, and what the highest stays below 1 by, as the head has it."""


def at_sizes(batch: Batch, spec: TrackerSpec) -> Batch:
    """The batch for a student of `spec`; itself where the student's crops are as large as the teacher's."""
    teacher = batch.teacher
    if (teacher.template_size, teacher.search_size) == (spec.template_size, spec.search_size):
        return batch
    template, search = crops_at(batch.template, batch.search, spec)
    maps, layers = batch.maps, batch.layers
    if teacher.grid != spec.grid:
        maps = maps_at(maps, teacher, spec)
        eliminated = bool(teacher.eliminating)
        layers = {i: tokens_at(tokens, spec.grid, eliminated=eliminated) for i, tokens in layers.items()}
    return replace(batch, template=template, search=search, maps=maps, layers=layers)


def crops_at(template: Tensor, search: Tensor, spec: TrackerSpec) -> tuple[Tensor, Tensor]:
    """Normalised crops (B, 3, S, S) of both kinds at a tracker's sizes, which show the same at every size."""
    return _resampled(template, spec.template_size), _resampled(search, spec.search_size)


def maps_at(maps: dict[str, Tensor], teacher: TrackerSpec, student: TrackerSpec) -> dict[str, Tensor]:
    """A teacher's maps on the grid of a student's search crop; those that do not follow the grid as they are.

    Args:
        maps: (B, …), see `TrackerSpec.maps`.
    """
    if "score_map" in maps:
        return _centre_at(maps, student.grid)
    cells = dict(student.maps)
    return {
        name: corner_at(values, cells[name][-1]) if name in cells and len(cells[name]) == 2 else values
        for name, values in maps.items()
    }


def _centre_at(maps: dict[str, Tensor], grid: int) -> dict[str, Tensor]:
    """Score, size and offset of a centre head on another grid.

    A cell's score is what the teacher's map is at its middle. Resampling flattens the peak, and a peak that is lower
    at every frame would teach less confidence, so each map is scaled until its highest score is the teacher's again.
    A cell stands for a box. Offsets are in cells and from the cell's corner, so they cannot be resampled: the centres
    that they make are, in shares of the crop, and an offset is what lies between those and the new cell. Centres and
    sizes are weighted by the square of the score, so that a cell between two gets the box of the one that the teacher
    trusts.
    """
    score, old = maps["score_map"], maps["score_map"].shape[-1]
    resampled = _resampled(score, grid).clamp_min(_LOW)
    centre = (_cells(old, score) + maps["offset_map"]) / old
    peak = score.amax((1, 2, 3), keepdim=True) / resampled.amax((1, 2, 3), keepdim=True)
    trust = score.square()
    total = _resampled(trust, grid)
    return {
        "score_map": (resampled * peak).clamp(_LOW, 1 - _LOW),
        "size_map": _resampled(maps["size_map"] * trust, grid) / total,
        "offset_map": _resampled(centre * trust, grid) / total * grid - _cells(grid, score),
    }


def corner_at(probability: Tensor, cells: int) -> Tensor:
    """Distributions (B, N, N) of a corner over coordinates i / N → (B, n, n) over j / n, each adding up to one.

    What lies between two new coordinates is divided between them by how near they are, which keeps the expected
    corner, and so the box, where it is; only what lies beyond the last coordinate, (n − 1) / n, moves there.
    """
    spread = _spread(probability.shape[-1], cells).to(probability)
    return spread @ probability @ spread.T


def tokens_at(tokens: Tensor, grid: int, *, eliminated: bool) -> Tensor:
    """Search tokens (B, N², d) on another grid: (B, n², d).

    Args:
        eliminated: Whether some may be zero because they were eliminated: they take no part in what is between them
            and others, and where they are the larger part nothing is left.
    """
    batch, count, width = tokens.shape
    side = math.isqrt(count)
    cells = tokens.transpose(1, 2).reshape(batch, width, side, side)
    resampled = _resampled(cells, grid)
    if eliminated:
        alive = _resampled(cells.ne(0).any(1, keepdim=True).to(cells), grid)
        resampled = torch.where(alive >= 0.5, resampled / alive.clamp_min(_LOW), torch.zeros_like(resampled))
    return resampled.flatten(2).transpose(1, 2)


def _resampled(x: Tensor, side: int) -> Tensor:
    """(B, C, S, S) → (B, C, side, side), each new cell the mean of what it covers, weighted toward its middle."""
    if x.shape[-1] == side:
        return x
    return F.interpolate(x, size=(side, side), mode="bilinear", align_corners=False, antialias=True)


def _cells(grid: int, like: Tensor) -> Tensor:
    """(1, 2, grid, grid): the column and the row of each cell."""
    line = torch.arange(grid, device=like.device, dtype=like.dtype)
    rows, columns = torch.meshgrid(line, line, indexing="ij")
    return torch.stack([columns, rows])[None]


def _spread(old: int, new: int) -> Tensor:
    """(new, old): the shares of each old coordinate that new ones take."""
    place = (torch.arange(old) * new / old).clamp(max=new - 1)
    return (1 - (torch.arange(new)[:, None] - place).abs()).clamp_min(0)
