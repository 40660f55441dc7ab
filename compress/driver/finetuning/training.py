"""The training of a fine-tuning, from the weights of the parent; resumed where it was stopped."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import torch

from compress.archive import CurveFile
from compress.core import fingerprint, warn
from compress.core.byte_sizes import MOST_BYTES
from compress.core.phases import phase
from compress.core.progress import Progress, part
from compress.core.text import printable
from compress.data import PairSizes
from compress.distill import Batches, Checkpoint, distill
from compress.distill.parallel import Ranks
from compress.distill.reports import Observer, TensorBoard, displayed
from compress.driver.finetuning.inputs import FinetuneInputs
from compress.driver.finetuning.results import pairs_seen
from compress.driver.finetuning.schedule import FinetuneSchedule
from compress.driver.finetuning.settings import FinetuneSettings
from compress.driver.pair_choice import PairChoice, choose
from compress.driver.run_dir import Log
from compress.driver.training_pairs import opened_pairs
from compress.driver.turns import give_way
from compress.models import Tracker, build, weights_key

_POOL = 2
"""Added to the seed for a pool; a search of the same seed adds 1, and has drawn others."""


def pair_choice(inputs: FinetuneInputs, settings: FinetuneSettings, schedule: FinetuneSchedule) -> PairChoice:
    """What it is distilled on; of the settings alone, so that a training that is continued finds its pairs again.

    Raises:
        UsageError: a pool that is larger than what it may take, or data that the recipe's pairs cannot be drawn from.
    """
    inputs.training.pairs(0, 0, 1, PairSizes.of(inputs.teacher.spec, schedule.pairs))
    views, room = schedule.steps * schedule.recipe.batch, MOST_BYTES
    pool, cache = settings.pool, settings.cache_size
    found = choose(inputs.teacher.spec, views, views, pool=pool, cache_size=cache, room=room)
    if found.streamed and "pairs" not in inputs.archive.settings:
        warn(
            f"{printable(inputs.run_dir)} does not note whether its students were distilled on a pool or on a stream "
            f"of pairs, as earlier versions did not. It is taken for a stream: what {inputs.parent.variant} is trained "
            f"on now begins behind the {pairs_seen(inputs.parent):,} pairs that it would have seen of that."
        )
    return found


def steps_before(inputs: FinetuneInputs, schedule: FinetuneSchedule) -> int:
    """Steps, with batches of the schedule's size, behind which no pair of the stream was seen by the parent."""
    return -(-pairs_seen(inputs.parent) // schedule.recipe.batch)


def training_key(
    inputs: FinetuneInputs, settings: FinetuneSettings, schedule: FinetuneSchedule, choice: PairChoice
) -> str:
    """Fingerprint of all that the weights will depend on, wherever they are trained."""
    kind, before = "row" if choice.streamed else False, steps_before(inputs, schedule)
    pairs = [inputs.training.fingerprint, settings.seed, kind, choice.count, before]
    parent = [weights_key(inputs.network), inputs.parent.spec.id]
    return fingerprint([parent, inputs.teacher_weights, pairs, schedule.content])


@phase("training")
def train(
    inputs: FinetuneInputs,
    settings: FinetuneSettings,
    schedule: FinetuneSchedule,
    choice: PairChoice,
    name: str,
    *,
    state: Path,
    device: torch.device,
    tensorboard: Path | None,
    progress: Progress,
) -> Tracker:
    """The fine-tuned network in eval mode; on a CPU, one that was stopped comes out as one that was not.

    Args:
        name: Of the new variant, for its curve and the log.
        state: Where the training is kept until it has ended; left there.
        tensorboard: Folder for TensorBoard's files.

    Raises:
        CompressError: the training diverged.
        FileError: the state is damaged.
    """
    curve = CurveFile(inputs.run_dir, name)
    observers: list[Observer] = [lambda report: curve.add(report.step, report.means)]
    observers.append(displayed(part(progress, 0, 1, name)))
    if tensorboard is not None:
        observers.append(TensorBoard(tensorboard))
    if Ranks.current().first:
        Log(inputs.run_dir)(f"{name}: {choice}")
    progress(f"{name}: {choice}", 0.0)
    pairs = _pairs(inputs, settings, schedule, choice, device, part(progress, 0, 0))
    torch.manual_seed(settings.seed)
    student = build(inputs.parent.spec, drop_path=schedule.drop_path)
    student.load_state_dict(inputs.network.state_dict())
    return distill(
        student,
        pairs,
        schedule.recipe,
        steps=schedule.steps,
        seed=settings.seed,
        device=device,
        progress=_logged(inputs.run_dir, name),
        before=lambda step: give_way(progress),
        again=True,
        checkpoint=Checkpoint(state, every_s=60 * settings.save_every),
        training=schedule.trainer,
        observers=observers,
    )


def _pairs(
    inputs: FinetuneInputs,
    settings: FinetuneSettings,
    schedule: FinetuneSchedule,
    choice: PairChoice,
    device: torch.device,
    progress: Progress,
) -> Batches:
    """The pool, or the stream behind the pairs that the parent may have seen."""
    pairs = opened_pairs(
        inputs.teacher,
        inputs.training,
        streamed=choice.streamed,
        count=choice.count,
        seed=settings.seed + _POOL,
        weights_key=inputs.teacher_weights,
        device=device,
        drawn=schedule.pairs,
        progress=progress,
    )
    return pairs.after(steps_before(inputs, schedule))


def _logged(run_dir: Path, name: str) -> Progress:
    """Puts the parts of the loss into the log of the run, without the pace, which is no two times the same."""
    log = Log(run_dir)

    def logged(text: str, share: float, figures: Mapping[str, float] | None = None) -> None:
        if figures:
            log(f"{name} fine-tuning, {text}: " + " ".join(f"{k} {v:.4f}" for k, v in figures.items()))

    return logged
