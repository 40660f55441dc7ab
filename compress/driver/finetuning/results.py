"""What came of a fine-tuning: its scores beside the parent's, its latency beside parent and teacher, its record."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import partial

import torch

from compress.archive import FINETUNED, Improvement, Lineage, Record, paired_difference
from compress.archive.run_files import constraint_of
from compress.core import Accuracy, ExecutionPath, Latency, Store, warn
from compress.core.phases import phase
from compress.core.progress import Progress, part
from compress.core.ranges import BATCH
from compress.data import DataSource, Split
from compress.distill import StudentRecipe
from compress.driver.finetuning.inputs import FinetuneInputs
from compress.driver.remeasure import measured_together
from compress.driver.scores import Score
from compress.driver.scoring import kept_score, scored
from compress.measure import Coverage, Target, resolve_target
from compress.models import Tracker, weights_key

_SPLITS: dict[Split, str] = {"search": "sequences of the search", "validation": "validation sequences"}


def result_of(
    inputs: FinetuneInputs, network: Tracker, name: str, lineage: Lineage, *, device: torch.device, progress: Progress
) -> Record:
    """Score and time a fine-tuned network.

    Args:
        name: Of the new variant.
        lineage: Without what comes of this.
    """
    own = partial(_score, network, device=device)
    score = own(inputs.evaluation, "search", progress=part(progress, 0, 0.3, "Scoring"))
    evaluation = _against(
        score.accuracy, _parent_accuracy(inputs, device, part(progress, 0.3, 0.4)), inputs.evaluation, "search"
    )
    validation = None
    if inputs.validation is not None:
        theirs = _score(
            inputs.network, inputs.validation, "validation", device=device, progress=part(progress, 0.4, 0.5, "Parent")
        )
        mine = own(inputs.validation, "validation", progress=part(progress, 0.5, 0.7, "Validation"))
        validation = _against(mine.accuracy, theirs.accuracy, inputs.validation, "validation")
    target = resolve_target(str(inputs.archive.settings.get("target") or "cpu"), inputs.teacher.spec)
    timed = _timed(inputs, network, name, score.paths, target, part(progress, 0.7, 1, "Timing"))
    beside = {each: latency for each, latency in timed.items() if each != name}
    record = replace(
        unscored(inputs, name, replace(lineage, evaluation=evaluation, validation=validation, beside=beside)),
        accuracy=score.accuracy,
        predicted=_predicted(inputs, score.paths, target, progress),
        measured=timed.get(name),
        rungs=(*inputs.parent.rungs, _rung(inputs.parent, score.accuracy, lineage)),
        paths=score.paths,
    )
    return _with_status(inputs, record)


def unscored(inputs: FinetuneInputs, name: str, lineage: Lineage) -> Record:
    """What is known of a fine-tuned variant before it is scored: the parent's spec, and where it comes from."""
    return replace(
        inputs.parent,
        variant=name,
        number=-1,
        status="done",
        reason="",
        fidelity=FINETUNED,
        accuracy=None,
        measured=None,
        paths=None,
        origin="",
        lineage=lineage,
    )


@phase("scoring")
def _score(network: Tracker, source: DataSource, split: Split, *, device: torch.device, progress: Progress) -> Score:
    """A score on a split in the precision of the spec, from the store where it was made before."""
    spec = network.spec

    def made() -> Score:
        return scored(network, source.sequences(split, keep=True), device, progress, precision=spec.precision)

    return kept_score(Store(), weights_key(network), spec, source, split, made, precision=spec.precision)


def _parent_accuracy(inputs: FinetuneInputs, device: torch.device, progress: Progress) -> Accuracy:
    """As the search scored it at full fidelity; scored now where it did not go so far, or in another precision."""
    known = inputs.parent.accuracy
    if (
        known is not None
        and known.precision == inputs.parent.spec.precision
        and known.sequence_aos
        and inputs.parent.fidelity in ("full", FINETUNED)
    ):
        return known
    return _score(inputs.network, inputs.evaluation, "search", device=device, progress=progress).accuracy


def _against(mine: Accuracy, theirs: Accuracy, source: DataSource, split: Split) -> Improvement:
    found = paired_difference(mine.sequence_aos, theirs.sequence_aos)
    return Improvement(compared_on(source, split), found.mean, found.se, found.sequences, mine.ao_seq, theirs.ao_seq)


def compared_on(source: DataSource, split: Split) -> str:
    """What `Improvement.data` says of a split."""
    return f"{_SPLITS[split]} of {source.name}"


@phase("measuring beside parent and teacher")
def _timed(
    inputs: FinetuneInputs,
    network: Tracker,
    name: str,
    paths: Mapping[ExecutionPath, int] | None,
    target: Target,
    progress: Progress,
) -> dict[str, Latency]:
    """Latencies of teacher, parent and variant in one session; empty where nothing can be timed on the target."""
    if target.timer is None:
        return {}
    parent, teacher = inputs.parent, inputs.archive.teacher
    taken = {teacher.variant: teacher.paths, parent.variant: parent.paths, name: paths}
    found = measured_together(
        target,
        {teacher.variant: inputs.teacher, parent.variant: inputs.network, name: network},
        paths={each: counts for each, counts in taken.items() if counts},
        threads=int(inputs.archive.settings.get("threads") or 1),
        progress=progress,
    )
    before, now = teacher.measured, found[teacher.variant]
    if before is not None and (before.device, before.runtime) != (now.device, now.runtime):
        warn(
            f"{inputs.run_dir} was timed on {before.device} with {before.runtime}, and this variant on {now.device} "
            f"with {now.runtime}: its milliseconds compare with those timed beside it alone."
        )
    return found


def _predicted(
    inputs: FinetuneInputs, paths: Mapping[ExecutionPath, int] | None, target: Target, progress: Progress
) -> Latency | None:
    """The parent's, whose spec it has; of an adaptive variant by the paths that its own frames take."""
    spec = inputs.parent.spec
    if not paths:
        return inputs.parent.predicted
    threads = int(inputs.archive.settings.get("threads") or 1)
    teacher = inputs.teacher.spec
    model = target.latency_model(teacher, coverage=Coverage.of(teacher, [spec]), threads=threads, progress=progress)
    return model.predict(spec, paths)


def _rung(parent: Record, accuracy: Accuracy, lineage: Lineage) -> dict[str, object]:
    """What a rung says, as those of the search do; steps count from where the student was untrained."""
    found = {"fidelity": FINETUNED, "ao": accuracy.ao, "ao_seq": accuracy.ao_seq, "seconds": round(lineage.seconds, 2)}
    return found | {"steps": steps_of(parent) + lineage.steps}


def steps_of(record: Record) -> int:
    """Steps that a variant was trained by itself."""
    found = [rung.get("steps") for rung in record.rungs]
    return max((steps for steps in found if type(steps) is int and 0 <= steps < 2**40), default=0)


def pairs_seen(record: Record) -> int:
    """Pairs of the stream that it was trained on, those of shared weights that it is a slice of before its own."""
    if record.lineage is not None and record.lineage.seen:
        return record.lineage.seen
    shared = (rung.get("shared_steps") for rung in record.rungs)
    known = (steps for steps in shared if type(steps) is int and 0 <= steps < 2**40)
    batches = (rung.get("batch") for rung in record.rungs)
    batch: int = next((each for each in batches if each in BATCH), StudentRecipe.batch) or StudentRecipe.batch
    return (steps_of(record) + max(known, default=0)) * batch


def _with_status(inputs: FinetuneInputs, record: Record) -> Record:
    """Marked where it misses the bound of the search; a speed relative to the teacher's is that of the same session."""
    lineage = record.lineage
    teacher = lineage.beside.get(inputs.archive.teacher.variant) if lineage else None
    constraint = constraint_of(inputs.archive.settings, teacher or inputs.archive.teacher.latency)
    if record.latency is None or constraint.met_by(record.latency):
        return record
    return replace(record, status="missed", reason=constraint.check(record.latency).reason)
