"""`compress verify`: whether a bundle is still what was exported."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from compress.cli.execution_paths import parity_text
from compress.cli.options import SourceCommand, json_option, print_json

if TYPE_CHECKING:
    from compress.data import Sequence
    from compress.export import TrainedTracker
    from compress.runtime import AnyBundle, Bundle


@click.command(cls=SourceCommand)
@click.argument("bundle", type=click.Path(path_type=Path))
@click.option("--against", metavar="RUN|NAME", help="Also compare with the PyTorch weights it was exported from.")
@click.option(
    "--weights",
    type=click.Path(),
    help="With --against: weights of the named tracker (safetensors), or of the one in a cascade.",
)
@click.option(
    "--data",
    default="generated",
    show_default=True,
    metavar="SOURCE",
    help="With --against: the first sequence here is tracked by both.",
)
@json_option
def command(bundle: Path, against: str | None, weights: str | None, data: str, as_json: bool) -> None:
    """Check the files of BUNDLE, and that it still finds the boxes it found when it was exported.

    Sizes and sha256 of all files, the graphs' inputs and outputs, and the boxes on a few drawn frames are checked, of
    adaptive trackers also the paths taken; this needs no PyTorch. Graphs that hold what no export holds are refused,
    others run in a process of their own with limits of memory and time. With --against, tensors, decisions and the
    boxes of a sequence are compared with PyTorch's.
    """
    from compress.core import CompressError, UsageError
    from compress.runtime import open_any_bundle
    from compress.runtime.selftest import TOLERANCE
    from compress.runtime.verification import verify_apart

    if weights is not None and against is None:
        raise UsageError("--weights are those to compare with. Name their tracker, or the cascade's run: --against.")
    opened = open_any_bundle(bundle)
    found = verify_apart(opened)
    if found.path_mismatch is not None:
        raise CompressError(
            f"The bundle {bundle} takes other layers or exits here than where it was exported, first on frame "
            f"{found.path_mismatch} of its self-test. Export it again on this machine, or update onnxruntime."
        )
    if not found.box_px <= TOLERANCE:
        raise CompressError(
            f"The bundle {bundle} finds other boxes here than where it was exported: they differ by "
            f"{found.box_px:.2f} px (at most {TOLERANCE:g}). Export it again on this machine, or update onnxruntime."
        )
    parity = _compare(opened, against, weights, data) if against else None
    if as_json:
        about = {"bundle": bundle, "name": opened.name, "spec_id": opened.spec.id}
        print_json({**about, "box_px": found.box_px, "frames": found.frames, "parity": parity})
        return
    same = " and execution paths the same" if opened.spec.adaptive else ""
    click.echo(
        f"{opened.name} ({opened.spec.id}): files are as exported; boxes within {found.box_px:.2g} px{same} over "
        f"{found.frames} frames."
    )
    if parity:
        same = "The weights, converted again, agree" if "precision" in opened.manifest else "PyTorch agrees"
        click.echo(f"{same}: {parity_text(parity)}")


def _compare(bundle: AnyBundle, against: str, weights: str | None, data: str) -> dict[str, Any]:
    from compress.data import load_sequences
    from compress.export import TrainedCascade, compare_cascade
    from compress.runtime import CascadeBundle

    cascade = isinstance(bundle, CascadeBundle)
    members = bundle.members if isinstance(bundle, CascadeBundle) else (bundle,)
    sources = _sources(members, [_place(each, against) if cascade else against for each in members], weights)
    sequence = load_sequences(data)[0]
    checked = [_checked(*each, sequence, against) for each in zip(members, sources, strict=True)]
    if not isinstance(bundle, CascadeBundle):
        return checked[0]
    fast, accurate = sources
    parity = compare_cascade(TrainedCascade(fast, accurate, bundle.spec.threshold, bundle.name), bundle, sequence)
    parity.check(f"The cascade of {against} and the bundle")
    return parity.to_dict()


def _sources(members: tuple[Bundle, ...], places: list[str], weights: str | None) -> list[TrainedTracker]:
    from compress.core import TRACKERS, UsageError

    named = [place in TRACKERS for place in places]
    if weights is not None and not any(named):
        raise UsageError(
            "--weights goes with a named tracker, but --against names a run, and a variant of a run has its own "
            "weights. Leave --weights out."
        )
    return [
        _source(member, place, weights if own else None)
        for member, place, own in zip(members, places, named, strict=True)
    ]


def _checked(bundle: Bundle, source: TrainedTracker, sequence: Sequence, against: str) -> dict[str, Any]:
    from compress.export import LowPrecision, compare_exported, compare_low_precision
    from compress.runtime import BundleNetwork

    model, low = source.at(bundle.spec).model, bundle.manifest.get("precision")
    if low is None:
        parity = compare_exported(model, BundleNetwork(bundle), bundle.settings, sequence)
    else:
        parity = compare_low_precision(model, bundle, LowPrecision.of(low), source.open_training_data, sequence)
    parity.check(f"The weights of {against} and the bundle")
    return parity.to_dict()


def _place(member: Bundle, against: str) -> str:
    """The run that a tracker of a cascade is compared with; or its own name, where it is no variant."""
    from compress.core import TRACKERS

    facts = _facts(member)
    name = str(facts.get("teacher"))
    return name if facts.get("variant") is None and name in TRACKERS else against


def _source(bundle: Bundle, against: str, weights: str | None) -> TrainedTracker:
    """The tracker that a bundle was exported from: a variant of a run, or one that has a name, with its weights."""
    from compress.core import UsageError
    from compress.export import TrainedTracker, load_trained
    from compress.models import load_tracker

    variant = _facts(bundle).get("variant")
    if weights is None:
        source = load_trained(against, variant if isinstance(variant, str) else None)
    else:
        source = TrainedTracker(load_tracker(against, weights), against, {})
    if source.model.spec.weights_id != bundle.spec.weights_id:
        raise UsageError(
            f"{source.name} is the tracker {source.model.spec.id}, but the bundle holds {bundle.spec.id}. "
            "Name the run it was exported from."
        )
    return source


def _facts(bundle: Bundle) -> dict[str, Any]:
    provenance = bundle.manifest.get("provenance")
    return provenance if isinstance(provenance, dict) else {}
