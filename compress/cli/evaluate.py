"""`compress evaluate`: one-pass evaluation of a teacher, a variant of a run, or a bundle."""

from __future__ import annotations

from pathlib import Path

import click

from compress.cli.evaluated_tracker import check_free, evaluated_cascade, evaluated_tracker
from compress.cli.evaluation_output import print_outcome
from compress.cli.keep_option import keep_option
from compress.cli.number_types import Number
from compress.cli.options import (
    SourceCommand,
    device_option,
    json_option,
    quiet_option,
    update_interval_option,
)
from compress.cli.progress import progress_display
from compress.cli.thresholds_option import thresholds_option
from compress.core.ranges import EXECUTOR_WORKERS, SEQUENCES, THREADS


class _EvaluateCommand(SourceCommand):
    """Its help lists formats of result files and conventions of metrics too."""

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write what can be given, then the epilog."""
        from compress.evaluate import CONVENTIONS, FORMATS

        with formatter.section("A FORMAT of result files"):
            formatter.write_dl([(name, each.summary) for name, each in FORMATS.items()])
        with formatter.section("A CONVENTION of metrics, as of"):
            formatter.write_dl([(name, each.summary) for name, each in CONVENTIONS.items()])
        super().format_epilog(ctx, formatter)


@click.command("evaluate", cls=_EvaluateCommand)
@click.argument("tracker")
@click.option("--data", default="generated", show_default=True, metavar="SOURCE", help="The sequences; see below.")
@click.option("--weights", type=click.Path(), help="Weights of a named tracker (safetensors).")
@click.option("--threads", type=Number(THREADS), default=1, show_default=True, help="Threads of each worker's runtime.")
@click.option(
    "--workers",
    type=Number(EXECUTOR_WORKERS),
    default=1,
    show_default=True,
    help="Processes that follow sequences; boxes are the same, but fps is not the speed of a tracker alone.",
)
@click.option(
    "--batch",
    type=Number(SEQUENCES),
    default=1,
    show_default=True,
    help="Sequences that each follows at once, where PyTorch runs the tracker; above 1, fps is not the speed on one "
    "video.",
)
@update_interval_option("By default a bundle's own, else 200 where the tracker has a score head to choose by.")
@thresholds_option
@keep_option
@click.option(
    "--cascade",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Two trackers as one, as `compress cascade` has written it; TRACKER is the run it is of.",
)
@click.option(
    "--results",
    "--out",
    "results",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="Folder for the boxes of each sequence, written as it ends, and for figures and plots.",
)
@click.option("--format", "file_format", default="lasot", show_default=True, metavar="FORMAT", help="Of the boxes.")
@click.option("--resume", is_flag=True, help="Keep the sequences that --results has of this evaluation.")
@click.option("--metrics", default="", metavar="CONVENTION", help="By default the data set's own, else lasot.")
@device_option
@quiet_option
@json_option
def command(
    tracker: str,
    data: str,
    weights: str | None,
    threads: int,
    workers: int,
    batch: int,
    update_interval: int | None,
    thresholds: str | None,
    keep: float | None,
    cascade: Path | None,
    results: Path | None,
    file_format: str,
    resume: bool,
    metrics: str,
    device: str,
    quiet: bool,
    as_json: bool,
) -> None:
    """Evaluate TRACKER: a name, RUN:VARIANT, or a bundle's folder.

    A bundle runs under onnxruntime, anything else under PyTorch. fps leaves the reading of images out.
    """
    from compress.data import convention_of, open_source
    from compress.evaluate import EvaluationOptions, run_evaluation

    if cascade is None:
        loaded = evaluated_tracker(tracker, weights, device, threads, update_interval, thresholds, keep)
    else:
        check_free(weights, update_interval, thresholds, keep)
        loaded = evaluated_cascade(tracker, cascade, device, threads)
    options = EvaluationOptions(results, file_format, metrics, workers, batch, resume)
    source = open_source(data)
    with progress_display(quiet=quiet or as_json) as progress:
        outcome = run_evaluation(loaded, source, options, progress, name=Path(tracker).name)
    own_convention = bool(metrics or convention_of(source))
    print_outcome(outcome, loaded.spec, as_json=as_json, with_metrics=own_convention)
