"""Tracking with bypass and exits: each frame of a batch takes its own execution path, as it would alone."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from compress.core import ExecutionPath
from compress.models.adaptive.active_batch import ActiveBatch
from compress.models.adaptive.tracker import AdaptiveTracker
from compress.models.tracker import TrackerOutput


def track_adaptive(
    tracker: AdaptiveTracker,
    search: Tensor,
    memory: dict[str, Tensor],
    *,
    collect: bool,
    every_exit: bool,
    forced_path: ExecutionPath,
) -> TrackerOutput:
    """One frame each, where there is something to decide; options as of `Tracker.forward`.

    In eval mode what no frame of the batch needs is not computed. In train mode all layers and exits are.
    """
    active = ActiveBatch(tracker, search, memory, forced_path, collect=collect)
    if not tracker.spec.exits:
        out = _only_end(active)
    else:
        out = _every_exit(active) if every_exit or tracker.training else _first_exit(active)
    return out._replace(layers=tuple(active.layers)) if collect else out


def _only_end(active: ActiveBatch) -> TrackerOutput:
    active.run(len(active.spec.layers))
    features = active.tracker.features(active.x)
    active.at_the_end(features.search)
    return active.tracker.answer(features)._replace(decisions=active.decisions(torch.zeros_like(active.rows)))


def _first_exit(active: ActiveBatch) -> TrackerOutput:
    """Frames leave at the first exit whose score is high enough, and its head reads nothing but them."""
    answers, rows, taken = [], [], []
    for k, each in enumerate(active.spec.exits):
        active.run(each.after)
        active.recycled, score = active.tracker.exit(k)(active.x, active.recycled)
        active.scored(score)
        leaves = _leaves(active, k, score)
        leaving = leaves.tolist()
        if not any(leaving):
            continue
        gone = None if all(leaving) else leaves.nonzero().squeeze(1)
        answers.append(_answer(active, k, score, gone))
        rows.append(active.rows if gone is None else active.rows[gone])
        taken.append(torch.full_like(rows[-1], k))
        if gone is None:
            break
        active.stay((~leaves).nonzero().squeeze(1))
    if len(answers) == 1:
        return answers[0]._replace(decisions=active.decisions(taken[0]))
    order = torch.cat(rows).argsort()
    out = _combined(answers, lambda parts: torch.cat(parts)[order])
    return out._replace(decisions=active.decisions(torch.cat(taken)[order]))


def _every_exit(active: ActiveBatch) -> TrackerOutput:
    """All layers and exits for all frames; the answer is that of the exit that each frame would leave at."""
    answers, features, leaves = [], [], []
    for k, each in enumerate(active.spec.exits):
        active.run(each.after)
        exit = active.tracker.exit(k)
        active.recycled, score = exit(active.x, active.recycled)
        active.scored(score)
        features.append(exit.read(active.recycled))
        answers.append(exit.answer(features[k], score))
        leaves.append(_leaves(active, k, score))
    active.at_the_end(features[-1])
    taken = torch.stack(leaves).int().argmax(0)  # the first that holds
    decisions = active.decisions(taken)._replace(exits=tuple(answers), features=tuple(features))
    return _combined(answers, lambda parts: torch.stack(parts)[taken, active.rows])._replace(decisions=decisions)


def _leaves(active: ActiveBatch, k: int, score: Tensor) -> Tensor:
    """Which of the frames still inside leave at exit k: s > τ (Eq. 1)."""
    if k + 1 == len(active.spec.exits):
        return torch.ones_like(score, dtype=torch.bool)
    if active.forced_path.exit is not None:
        return torch.full_like(score, k == active.forced_path.exit, dtype=torch.bool)
    return score > active.spec.exits[k].tau


def _answer(active: ActiveBatch, k: int, score: Tensor, places: Tensor | None) -> TrackerOutput:
    """Exit k's answer about the frames at `places` among those still inside; None is all of them."""
    assert active.recycled is not None
    exit = active.tracker.exit(k)
    search = exit.read(active.recycled if places is None else active.recycled[places])
    if k + 1 == len(active.spec.exits):
        active.at_the_end(search)
    return exit.answer(search, score if places is None else score[places])


def _combined(answers: list[TrackerOutput], combine: Callable[[list[Tensor]], Tensor]) -> TrackerOutput:
    maps = {name: combine([each.maps[name] for each in answers]) for name in answers[0].maps}
    return TrackerOutput(combine([each.boxes for each in answers]), combine([each.score for each in answers]), maps)
