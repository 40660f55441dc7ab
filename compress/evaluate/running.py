"""`run_evaluation`: a tracker over the test sequences of a source, by several processes, stopped and gone on with."""

from __future__ import annotations

from collections.abc import Generator
from collections.abc import Sequence as Items
from contextlib import ExitStack, closing
from dataclasses import dataclass, replace
from pathlib import Path

from compress.core import UsageError, warn
from compress.core.progress import Progress, no_progress
from compress.core.threads import usable_cores
from compress.data import DataSource, Sequence, convention_of, first_only
from compress.evaluate.conventions import CONVENTIONS
from compress.evaluate.earlier_results import Identity
from compress.evaluate.following import Run, can_batch, follow
from compress.evaluate.formats import FORMATS
from compress.evaluate.ope import check_sequences, even_groups
from compress.evaluate.outcome import DEFAULT_CONVENTION, Outcome, outcome
from compress.evaluate.result_folder import ResultFolder, open_results
from compress.evaluate.summary import outcome_files
from compress.evaluate.trackers import EvaluatedTracker


@dataclass(frozen=True)
class EvaluationOptions:
    """How an evaluation is run.

    Attributes:
        results: A folder for files of results; None for none.
        file_format: One of `FORMATS`.
        metrics: One of `CONVENTIONS`; empty for that of the data, or LaSOT's where it names none.
        workers: Processes, each with the threads of the tracker. Boxes are the same whatever their number.
        batch: Sequences that each follows at once, where the network can. Boxes are the same to rounding.
        resume: Keep what `results` has of the same evaluation.
    """

    results: Path | None = None
    file_format: str = "lasot"
    metrics: str = ""
    workers: int = 1
    batch: int = 1
    resume: bool = False


def run_evaluation(
    tracker: EvaluatedTracker,
    source: DataSource,
    options: EvaluationOptions,
    progress: Progress = no_progress,
    *,
    name: str = "tracker",
) -> Outcome:
    """Follow the object of every test sequence; write what comes of each as it ends, and what comes of all at the end.

    Args:
        name: What plots call the tracker.

    Raises:
        UsageError: as `evaluate`, `open_results`; no format or convention of that name; or nothing can be scored and
            no results are wanted.
        FileError, CompressError: data is damaged, results cannot be written, or a worker process was lost.
    """
    convention = options.metrics or convention_of(source) or DEFAULT_CONVENTION
    _ = CONVENTIONS[convention]
    sequences = source.sequences()
    names = [sequence.name for sequence in sequences]
    check_sequences(names)
    _check_options(options, sequences)
    with ExitStack() as stack:
        folder = None
        if options.results is not None:
            identity, file_format = Identity.of(tracker, source), FORMATS[options.file_format]
            held = open_results(
                options.results,
                identity,
                names,
                file_format,
                resume=options.resume,
                first_pixel=getattr(source, "first_pixel", 0),
            )
            folder = stack.enter_context(held)
        runs = {} if folder is None else folder.kept(sequences, tracker.spec)
        runs |= _followed(tracker, source, sequences, runs, options, folder, progress)
        found = outcome(sequences, [runs[k] for k in range(len(sequences))], convention)
        if folder is not None:
            folder.finish(names, outcome_files(found, tracker=name, data=source.name.partition(":")[0]))
    return found


def _check_options(options: EvaluationOptions, sequences: Items[Sequence]) -> None:
    _ = FORMATS[options.file_format]
    if options.results is None and options.resume:
        raise UsageError("--resume goes on from the folder of --results. Give it.")
    if options.results is None and all(map(first_only, sequences)):
        raise UsageError(
            f"Only the first box is known of all {len(sequences)} sequences, so nothing can be scored here. Give "
            "--results to write the files that the data set's server takes."
        )


def _followed(
    tracker: EvaluatedTracker,
    source: DataSource,
    sequences: Items[Sequence],
    kept: dict[int, Run],
    options: EvaluationOptions,
    folder: ResultFolder | None,
    progress: Progress,
) -> dict[int, Run]:
    """The runs of sequences that had not ended before, each kept in the folder as it ends."""
    total, found = sum(map(len, sequences)), dict[int, Run]()
    frames = _Frames(sum(len(run.times) for run in kept.values()), total, progress)
    left = [index for index in range(len(sequences)) if index not in kept]
    if not left:
        return found
    with closing(_follow(tracker, source, sequences, left, options, frames)) as ended:
        for index, run in ended:
            found[index] = run
            if folder is not None:
                folder.add(sequences[index].name, run)
    return found


def _follow(
    tracker: EvaluatedTracker,
    source: DataSource,
    sequences: Items[Sequence],
    left: list[int],
    options: EvaluationOptions,
    frames: _Frames,
) -> Generator[tuple[int, Run], None, None]:
    workers = min(options.workers, len(left))
    if workers <= 1:
        network = tracker.network()
        batch = even_groups(len(left), options.batch) if can_batch(network) else 1
        runs = follow(network, tracker.settings, [sequences[k] for k in left], batch, frames.step)
        yield from ((left[position], replace(run, batch=batch)) for position, run in runs)
        return
    from compress.evaluate.workers import follow_in_processes

    _warn_of_threads(workers, tracker.threads)
    left = sorted(left, key=lambda index: -len(sequences[index]))
    yield from follow_in_processes(tracker, source, left, workers=workers, batch=options.batch, step=frames.step)


class _Frames:
    """Counts frames that are done."""

    def __init__(self, done: int, total: int, progress: Progress) -> None:
        self._done, self._total, self._progress = done, total, progress

    def step(self, count: int = 1) -> None:
        self._done += count
        self._progress(f"frame {self._done} of {self._total}", self._done / self._total)


def _warn_of_threads(workers: int, threads: int) -> None:
    cores = usable_cores()
    if workers * threads > cores:
        warn(
            f"{workers} workers of {threads}: {workers * threads} threads were asked for, but this process can use "
            f"{cores} core{'s' * (cores > 1)}. Fewer are faster."
        )
