"""`compress evaluate`: one-pass evaluation of a teacher, a variant of a run, or a bundle."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from compress.cli.execution_paths import path_figures, path_text
from compress.cli.number_types import Number
from compress.cli.options import (
    SourceCommand,
    device_option,
    json_option,
    out_option,
    print_json,
    quiet_option,
    update_interval_option,
)
from compress.cli.progress import progress_display
from compress.cli.thresholds_option import at_thresholds, thresholds_option
from compress.core.ranges import SEQUENCES, THREADS

if TYPE_CHECKING:
    from compress.core import TrackerSpec
    from compress.evaluate import Evaluation
    from compress.geometry import LoopSettings, Network


@click.command("evaluate", cls=SourceCommand)
@click.argument("tracker")
@click.option("--data", default="generated", show_default=True, metavar="SOURCE", help="The sequences; see below.")
@click.option("--weights", type=click.Path(), help="Weights of a named tracker (safetensors).")
@click.option("--threads", type=Number(THREADS), default=1, show_default=True, help="Threads of the runtime.")
@click.option(
    "--batch",
    type=Number(SEQUENCES),
    default=1,
    show_default=True,
    help="Sequences followed at once, where PyTorch runs the tracker; above 1, fps is not the speed on one video.",
)
@update_interval_option("By default a bundle's own, else 200 where the tracker has a score head to choose by.")
@thresholds_option
@out_option("Folder for the boxes of each sequence and a summary.")
@device_option
@quiet_option
@json_option
def command(
    tracker: str,
    data: str,
    weights: str | None,
    threads: int,
    batch: int,
    update_interval: int | None,
    thresholds: str | None,
    out: Path | None,
    device: str,
    quiet: bool,
    as_json: bool,
) -> None:
    """Evaluate TRACKER: a name, RUN:VARIANT, or a bundle's folder.

    A bundle runs under onnxruntime, anything else under PyTorch. fps leaves the reading of images out.
    """
    from compress.data import load_sequences
    from compress.evaluate import check_results, evaluate, write_results

    network, spec, settings = _load(tracker, weights, device, threads, update_interval, thresholds)
    sequences = load_sequences(data)
    if out is not None:
        check_results((sequence.name for sequence in sequences), out)
    with progress_display(quiet=quiet or as_json) as progress:
        evaluation = evaluate(network, settings, sequences, batch=batch, progress=progress)
    if out is not None:
        write_results(evaluation, out)
    _print(evaluation, spec, as_json)


def _load(
    tracker: str, weights: str | None, device: str, threads: int, update_interval: int | None, thresholds: str | None
) -> tuple[Network, TrackerSpec, LoopSettings]:
    from compress.core import UsageError
    from compress.geometry import LoopSettings

    if (Path(tracker) / "bundle.json").is_file():
        from compress.runtime import BundleNetwork, Thresholds, open_bundle

        bundle = open_bundle(tracker)
        spec = bundle.spec if thresholds is None else at_thresholds(bundle.spec, thresholds)
        own = update_interval is None
        settings = bundle.settings if own else LoopSettings.of(bundle.spec, update_interval=update_interval)
        return BundleNetwork(bundle, threads=threads).at(Thresholds.of(spec)), spec, settings
    import torch

    from compress.distill import pick_device
    from compress.export import TrainedTracker, load_trained
    from compress.models import NumpyNetwork, load_tracker

    torch.set_num_threads(threads)
    name, _, variant = tracker.rpartition(":") if ":" in tracker else (tracker, "", "")
    if weights is not None and variant:
        raise UsageError("--weights goes with a named tracker; a variant of a run has its own weights.")
    source = (
        load_trained(name, variant or None)
        if weights is None
        else TrainedTracker(load_tracker(name, weights), name, {})
    )
    if thresholds is not None:
        source = source.at(at_thresholds(source.model.spec, thresholds))
    model = source.model
    settings = LoopSettings.of(model.spec, update_interval=update_interval)
    return NumpyNetwork(model, pick_device(device)), model.spec, settings


def _print(evaluation: Evaluation, spec: TrackerSpec, as_json: bool) -> None:
    accuracy = evaluation.accuracy.to_dict()
    del accuracy["sequence_aos"]  # in rows of their own
    speed = {"fps": evaluation.fps, "batch": evaluation.batch}
    summary = {**accuracy, **speed, "renewals": evaluation.renewals}
    if as_json:
        rows = [score.to_dict() for score in evaluation.per_sequence]
        print_json({**summary, **path_figures(evaluation.paths, spec), "per_sequence": rows})
        return
    for name, value in summary.items():
        click.echo(f"{name:12} {value:.4f}" if isinstance(value, float) else f"{name:12} {value}")
    if evaluation.paths:
        click.echo(path_text(evaluation.paths, spec))
