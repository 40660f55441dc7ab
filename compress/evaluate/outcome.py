"""What came of an evaluation: figures of all sequences, of those with an attribute, and of each by itself."""

from __future__ import annotations

from collections.abc import Sequence as Items
from dataclasses import dataclass

from compress.data import Sequence, attributes_of, first_only
from compress.evaluate.conventions import CONVENTIONS, Figures
from compress.evaluate.following import Run
from compress.evaluate.ope import Evaluation, frames_per_second, summarised

DEFAULT_CONVENTION = "lasot"
"""Of data that names none."""


@dataclass(frozen=True)
class Group:
    """Figures of some sequences.

    Attributes:
        name: An attribute, or a sequence.
        sequences: How many there are.
    """

    name: str
    sequences: int
    figures: Figures


@dataclass(frozen=True)
class Outcome:
    """What came of an evaluation.

    Attributes:
        names: All sequences, in the order of the data.
        runs: How each was followed.
        evaluation: Figures that do not depend on the data's convention; None where nothing can be scored.
        convention: The name of the convention of `total`, `attributes` and `each`.
        total: Of all sequences that can be scored; None where there are none.
        attributes: Of those that have an attribute, by name.
        each: Of every one that can be scored.
        unscored: Sequences of which only the first box is known.
        fps: Frames over the seconds of the frame loop: what one process came to, while others may have run beside it.
        batch, workers: The most of any sequence, see `Run`.
    """

    names: list[str]
    runs: list[Run]
    evaluation: Evaluation | None
    convention: str
    total: Figures | None
    attributes: list[Group]
    each: list[Group]
    unscored: list[str]
    fps: float
    batch: int
    workers: int


def outcome(sequences: Items[Sequence], runs: Items[Run], convention: str) -> Outcome:
    """Score sequences that were followed to their ends.

    Raises:
        UsageError: no convention of this name, or no frame that can be scored although true boxes are known.
    """
    counted = CONVENTIONS[convention]
    known = [(sequence, run) for sequence, run in zip(sequences, runs, strict=True) if not first_only(sequence)]
    measured = [counted.measure(sequence, run) for sequence, run in known]
    kinds = [attributes_of(sequence) for sequence, _ in known]

    def group(name: str, members: list[int]) -> Group:
        return Group(name, len(members), counted.figures([measured[each] for each in members]))

    batch = max(run.batch for run in runs)
    evaluation = summarised([s for s, _ in known], [run for _, run in known], batch=batch) if known else None
    return Outcome(
        names=[sequence.name for sequence in sequences],
        runs=list(runs),
        evaluation=evaluation,
        convention=convention,
        total=counted.figures(measured) if known else None,
        attributes=[
            group(name, [index for index, names in enumerate(kinds) if name in names])
            for name in sorted(frozenset().union(*kinds))
        ],
        each=[group(sequence.name, [index]) for index, (sequence, _) in enumerate(known)],
        unscored=[sequence.name for sequence in sequences if first_only(sequence)],
        fps=frames_per_second(runs),
        batch=batch,
        workers=max(run.workers for run in runs),
    )
