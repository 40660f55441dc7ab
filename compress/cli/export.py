"""`compress export`: a variant or a teacher as a bundle."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from compress.cli.cascade_output import export_cascade_of, print_exported_cascade
from compress.cli.conversion import Conversion
from compress.cli.execution_paths import parity_text
from compress.cli.keep_option import keep_option
from compress.cli.low_precision import precision_options
from compress.cli.number_types import Number
from compress.cli.options import (
    SourceCommand,
    json_option,
    out_option,
    print_json,
    quiet_option,
    update_interval_option,
)
from compress.cli.progress import progress_display
from compress.cli.thresholds_option import at_thresholds, thresholds_option, thresholds_variant
from compress.core.ranges import THREADS
from compress.core.text import shell_command

if TYPE_CHECKING:
    from compress.runtime.signatures import Form


@click.command(cls=SourceCommand)
@click.argument("run", metavar="RUN|NAME")
@click.option(
    "--variant",
    metavar="ID",
    help="A variant of RUN, e.g. v017, or `teacher`; without it the most accurate of the front.",
)
@out_option("Folder of the bundle; an older bundle there is replaced.", required=True)
@click.option(
    "--threads", type=Number(THREADS), default=1, show_default=True, help="onnxruntime's threads when it runs."
)
@click.option(
    "--data",
    metavar="SOURCE",
    help="The first sequence here is what PyTorch and onnxruntime must agree on (default: generated).",
)
@update_interval_option("Kept in the bundle; 200 by default, where the tracker has a score head to choose by.")
@click.option(
    "--single-graph",
    is_flag=True,
    help="Also of a tracker with bypass or exits one graph per frame, with If; by default a graph for each stage.",
)
@thresholds_option
@precision_options
@keep_option
@click.option(
    "--cascade",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Two trackers as one, as `compress cascade` has written it of RUN.",
)
@json_option
@quiet_option
def command(
    run: str,
    variant: str | None,
    out: Path,
    threads: int,
    data: str | None,
    update_interval: int | None,
    single_graph: bool,
    thresholds: str | None,
    precision: str | None,
    calibration: str | None,
    train_data: str | None,
    max_drop: float | None,
    keep: float | None,
    cascade: Path | None,
    as_json: bool,
    quiet: bool,
) -> None:
    """Export a variant of RUN, or the teacher NAME, as a bundle that runs without PyTorch.

    The bundle holds ONNX graphs of the template's and of each frame's work and bundle.json. It is written only when
    PyTorch and onnxruntime agree on tensors, on what is decided and on the boxes of a whole sequence.

    A file of --thresholds also says which variant is meant, so --variant may be left out. A file of --cascade says
    which two; their bundle holds a bundle of each, and the threshold.

    In fp16 or int8 the graphs of float32 must agree with PyTorch, and those made of them may lose --max-drop of AO.
    """
    from compress.core import UsageError
    from compress.data import load_sequences
    from compress.export import check_place, export_bundle, load_trained
    from compress.geometry import LoopSettings
    from compress.runtime import open_bundle

    check_place(out)
    if cascade is not None:
        others = (
            variant,
            update_interval,
            thresholds,
            single_graph or None,
            precision,
            calibration,
            train_data,
            max_drop,
            keep,
        )
        if any(each is not None for each in others):
            raise UsageError(
                "--cascade says which trackers and what threshold, and its graphs are in fp32. Only --out, --data and "
                "--threads go with it."
            )
        print_exported_cascade(export_cascade_of(run, cascade, out, data or "generated", threads), out, as_json=as_json)
        return
    source = load_trained(run, variant or thresholds_variant(thresholds))
    if thresholds is not None:
        source = source.at(at_thresholds(source.model.spec, thresholds))
    if keep is not None:
        source = source.at(source.model.spec.keeping(keep))
    form: Form | None = "one" if single_graph else None
    settings = LoopSettings.of(source.model.spec, update_interval=update_interval)
    with progress_display(quiet=quiet or as_json) as progress:
        found = Conversion(
            source,
            settings,
            precision=precision,
            calibration=calibration,
            train_data=train_data,
            max_drop=max_drop,
            data=data,
            threads=threads,
            form=form,
        ).run(progress)
    data = data or "generated"
    if found.precision != source.model.spec.precision:  # of what is in fp32 the graphs alone may be in another
        source = source.at(source.model.spec.in_fp32)
    path = export_bundle(
        source.model,
        out,
        sequence=load_sequences(data)[0],
        provenance=source.provenance,
        name=source.name,
        threads=threads,
        update_interval=update_interval,
        accuracy=found.accuracy,
        latency=found.latency,
        form=form,
        low=found.low,
        measured=found.measured,
    )
    manifest = open_bundle(path).manifest
    if as_json:
        keys = ("name", "spec_id", "form", "parity", "files", "precision")
        print_json({"bundle": path, **{key: manifest[key] for key in keys if key in manifest}})
        return
    parity, size = manifest["parity"], sum(entry["bytes"] for entry in manifest["files"].values())
    click.echo(f"{source.name} ({manifest['spec_id']}) is in {out}, {size / 1e6:.1f} MB.")
    click.echo(f"PyTorch and onnxruntime{' in fp32' if found.low else ''} agree: {parity_text(parity)}")
    for line in found.lines:
        click.echo(line)
    click.echo(f"Next: {shell_command('compress', 'track', out)} --video FILE --init x,y,w,h --out boxes.txt")
