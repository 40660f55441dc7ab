"""Tracking with bypass and exits: each frame of a batch goes its own way, as it would go alone."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from compress.models.adaptive.batch import BatchWalk
from compress.models.adaptive.forced_path import ForcedPath
from compress.models.tracker import TrackerOutput

if TYPE_CHECKING:
    from compress.models.vit.tracker import VitTracker


def track_adaptive(
    tracker: VitTracker,
    search: Tensor,
    memory: dict[str, Tensor],
    *,
    collect: bool,
    every_exit: bool,
    forced_path: ForcedPath,
) -> TrackerOutput:
    """`VitTracker.track` where there is something to decide.

    In eval mode what no frame of the batch needs is not computed. In train mode all layers and exits are.
    """
    walk = BatchWalk(tracker, search, memory, forced_path, collect=collect)
    if not tracker.spec.exits:
        out = _only_end(walk)
    else:
        out = _every_exit(walk) if every_exit or tracker.training else _first_exit(walk)
    return out._replace(layers=tuple(walk.layers)) if collect else out


def _only_end(walk: BatchWalk) -> TrackerOutput:
    walk.run(len(walk.spec.layers))
    features = walk.tracker.features(walk.x)
    walk.at_the_end(features.search)
    return walk.tracker.answer(features)._replace(decisions=walk.decisions(torch.zeros_like(walk.rows)))


def _first_exit(walk: BatchWalk) -> TrackerOutput:
    """Frames leave at the first exit that they trust, and its head reads nothing but them."""
    answers, rows, taken = [], [], []
    for k, each in enumerate(walk.spec.exits):
        walk.run(each.after)
        walk.recycled, score = walk.tracker.exit(k)(walk.x, walk.recycled)
        walk.scored(score)
        leaves = _leaves(walk, k, score)
        leaving = leaves.tolist()
        if not any(leaving):
            continue
        gone = None if all(leaving) else leaves.nonzero().squeeze(1)
        answers.append(_answer(walk, k, score, gone))
        rows.append(walk.rows if gone is None else walk.rows[gone])
        taken.append(torch.full_like(rows[-1], k))
        if gone is None:
            break
        walk.stay((~leaves).nonzero().squeeze(1))
    if len(answers) == 1:
        return answers[0]._replace(decisions=walk.decisions(taken[0]))
    order = torch.cat(rows).argsort()
    out = _combined(answers, lambda parts: torch.cat(parts)[order])
    return out._replace(decisions=walk.decisions(torch.cat(taken)[order]))


def _every_exit(walk: BatchWalk) -> TrackerOutput:
    """All layers and exits for all frames; the answer is that of the exit that each frame would leave at."""
    answers, features, leaves = [], [], []
    for k, each in enumerate(walk.spec.exits):
        walk.run(each.after)
        exit = walk.tracker.exit(k)
        walk.recycled, score = exit(walk.x, walk.recycled)
        walk.scored(score)
        features.append(exit.read(walk.recycled))
        answers.append(exit.answer(features[k], score))
        leaves.append(_leaves(walk, k, score))
    walk.at_the_end(features[-1])
    taken = torch.stack(leaves).int().argmax(0)  # the first that holds
    decisions = walk.decisions(taken)._replace(exits=tuple(answers), features=tuple(features))
    return _combined(answers, lambda parts: torch.stack(parts)[taken, walk.rows])._replace(decisions=decisions)


def _leaves(walk: BatchWalk, k: int, score: Tensor) -> Tensor:
    """Which of the frames still here leave at exit k: s > τ (Eq. 1)."""
    if k + 1 == len(walk.spec.exits):
        return torch.ones_like(score, dtype=torch.bool)
    if walk.forced_path.exit is not None:
        return torch.full_like(score, k == walk.forced_path.exit, dtype=torch.bool)
    return score > walk.spec.exits[k].tau


def _answer(walk: BatchWalk, k: int, score: Tensor, places: Tensor | None) -> TrackerOutput:
    """Exit k's answer about the frames at `places` among those still here; None is all of them."""
    assert walk.recycled is not None
    exit = walk.tracker.exit(k)
    search = exit.read(walk.recycled if places is None else walk.recycled[places])
    if k + 1 == len(walk.spec.exits):
        walk.at_the_end(search)
    return exit.answer(search, score if places is None else score[places])


def _combined(answers: list[TrackerOutput], combine: Callable[[list[Tensor]], Tensor]) -> TrackerOutput:
    maps = {name: combine([each.maps[name] for each in answers]) for name in answers[0].maps}
    return TrackerOutput(combine([each.boxes for each in answers]), combine([each.score for each in answers]), maps)
