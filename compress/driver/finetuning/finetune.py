"""`finetune`: trains a variant of a run on, and puts the result into the run as a variant of its own.

The study stays the single truth: the new variant is an attribute of it, wherever it is kept, see
`compress.archive.finetuned`. Its weights are in `checkpoints/`, named by the variant, since its parent has the same
spec. Until then the state of the training lies in `finetune/`. Nothing that the search found is changed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, nullcontext, suppress
from dataclasses import replace
from functools import partial
from pathlib import Path
from time import perf_counter
from typing import Unpack

from compress.archive import Lineage, Record, read_archive, running_search, store_finetuned
from compress.core import CompressError
from compress.core.leftovers import remove_leftovers
from compress.core.locks import locked
from compress.core.progress import Progress, no_progress, part
from compress.core.text import printable
from compress.distill import ComputeSettings, pick_device
from compress.distill.parallel import Ranks, process_group
from compress.driver.finetuning.inputs import FinetuneInputs, look_up
from compress.driver.finetuning.results import compared_on, result_of, unscored
from compress.driver.finetuning.schedule import FinetuneSchedule
from compress.driver.finetuning.settings import FinetuneKeywords, FinetuneSettings
from compress.driver.finetuning.training import pair_choice, steps_before, train, training_key
from compress.driver.pair_choice import PairChoice
from compress.driver.run_dir import Log, explaining_errors
from compress.driver.study import closing_study, open_study
from compress.models import Tracker, build, load_weights, save_weights
from compress.report import finetuned_sentence, write_report

_FOLDER = "finetune"
_DIGITS = 6
"""Of the fingerprint in the name of a variant: the same command comes to the same variant, and so goes on with it."""


def finetune(
    run: str | Path,
    variant: str,
    *,
    compute: ComputeSettings | None = None,
    tensorboard: Path | None = None,
    progress: Progress = no_progress,
    **settings: Unpack[FinetuneKeywords],
) -> Record:
    """Train a variant of a run on, by distillation from the run's teacher; the same as `compress finetune`.

    Args:
        run: The run directory of a search that has ended.
        variant: Whose weights are started from; a fine-tuned variant will do.
        compute: How the device computes; as it does by default where None.
        tensorboard: Folder for TensorBoard's files.
        settings: Fields of `FinetuneSettings`, e.g. `steps=100_000, train_data="folder:/data/train"`.

    Returns:
        The new variant; its `lineage` says by how much it is better than its parent. Where `torchrun` started several
        processes the first one scores and keeps it, and the others return it without its scores.

    Raises:
        UsageError: a setting that cannot be, an unknown variant, or one that was never trained.
        FileError: a run, weights or data that are missing, damaged, or not those of the search.
        CompressError: a search runs there, another process does the same, or the training diverged.
        InterruptedRun: stopped by the user; the same call continues.
    """
    config, run_dir = FinetuneSettings(**settings), Path(run)
    device, inputs = pick_device(config.device), look_up(run_dir, variant, config)
    schedule = FinetuneSchedule.of(config, compute or ComputeSettings(), inputs.parent.spec)
    choice = pair_choice(inputs, config, schedule)
    lineage = _lineage(inputs, config, schedule, choice)
    name = f"{variant}-{lineage.key[:_DIGITS]}"
    with (
        process_group(device) as ranks,
        _held(run_dir, name) if ranks.first else nullcontext(),
        explaining_errors(run_dir, "fine-tuning"),
    ):
        found = _finished(inputs, name, lineage)
        if found is not None:
            return found
        trained = partial(train, inputs, config, schedule, choice, name, device=device, tensorboard=tensorboard)
        network, seconds = _network(inputs, name, trained, part(progress, 0, 0.9))
        lineage = replace(lineage, seconds=seconds)
        if not ranks.first:
            return unscored(inputs, name, lineage)
        found = result_of(inputs, network, name, lineage, device=device, progress=part(progress, 0.9, 1))
        _keep(run_dir, found)
        return found


def _lineage(
    inputs: FinetuneInputs, settings: FinetuneSettings, schedule: FinetuneSchedule, choice: PairChoice
) -> Lineage:
    steps = steps_before(inputs, schedule) + (schedule.steps if choice.streamed else 0)
    return Lineage(
        parent=inputs.parent.variant,
        key=training_key(inputs, settings, schedule, choice),
        steps=schedule.steps,
        recipe=schedule.name,
        seed=settings.seed,
        train_data=inputs.training.name,
        train_fingerprint=inputs.training.fingerprint,
        teacher_weights=inputs.teacher_weights,
        seen=steps * schedule.recipe.batch,
    )


@contextmanager
def _held(run_dir: Path, name: str) -> Iterator[None]:
    """Keep other processes from the same variant. The run itself is not held: several variants are trained at once."""
    lock = run_dir / _FOLDER / f"{name}.lock"
    with ExitStack() as stack:
        try:
            stack.enter_context(locked(lock, wait=False))
        except BlockingIOError as error:
            raise CompressError(
                f"{name} of {printable(run_dir)} is being fine-tuned by another process already. Wait for it or stop "
                "it; a training of other steps, data or seed can run beside it."
            ) from error
        try:
            yield
        finally:
            lock.unlink(missing_ok=True)
            remove_leftovers(lock.parent)
            with suppress(OSError):
                lock.parent.rmdir()  # unless a training is to be continued there, or under way


def _finished(inputs: FinetuneInputs, name: str, lineage: Lineage) -> Record | None:
    """The variant where an earlier command has brought it to its end, and compared it on the same data."""
    found = next((each for each in inputs.archive.finetuned if each.variant == name), None)
    if found is None or found.lineage is None or found.lineage.key != lineage.key:
        return None
    compared = found.lineage.validation and found.lineage.validation.data
    same = compared == (inputs.validation and compared_on(inputs.validation, "validation"))
    return found if same and _weights(inputs.run_dir, name).is_file() else None


def _network(
    inputs: FinetuneInputs, name: str, train: Callable[..., Tracker], progress: Progress
) -> tuple[Tracker, float]:
    """The fine-tuned network, with its weights in the run, and the seconds that its training took here.

    Args:
        train: See `train`; is given where to keep its state, and the progress.
    """
    path, state = _weights(inputs.run_dir, name), inputs.run_dir / _FOLDER / f"{name}.safetensors"
    if path.is_file():  # stopped after its training, or compared on other data now
        network = build(inputs.parent.spec).eval()
        load_weights(network, path)
        return network, 0.0
    begin = perf_counter()
    network = train(state=state, progress=progress)
    if Ranks.current().first:
        save_weights(network, path, metadata={"parent": inputs.parent.variant})
        state.unlink(missing_ok=True)
    return network, round(perf_counter() - begin, 2)


def _weights(run_dir: Path, name: str) -> Path:
    return run_dir / "checkpoints" / f"{name}.safetensors"


def _keep(run_dir: Path, record: Record) -> None:
    """Enter the variant in the study, and write the report; a search that runs there now will write its own."""
    study = open_study(run_dir, sampler="random", seed=0)
    with closing_study(study):
        store_finetuned(study, record)
    Log(run_dir)(finetuned_sentence(record))
    if running_search(run_dir) is None:
        write_report(read_archive(run_dir), run_dir)
