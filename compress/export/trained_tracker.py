"""A tracker with its weights, to be exported or evaluated: a variant of a run, or a named tracker."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from compress.archive import Archive, Record, read_archive
from compress.core import TRACKERS, Accuracy, FileError, Latency, Precision, TrackerSpec, UsageError
from compress.data import DataSource, open_source
from compress.models import Tracker, build, load_tracker, load_weights, weights_key

_TRAINING = ("train_data", "images")


@dataclass(frozen=True)
class TrainedTracker:
    """A tracker with weights, and what is known of it.

    Attributes:
        train_data, images: What its run was distilled on, as `open_source` takes it.
        precision: What its run scored it in, at its own thresholds.
        data: What its run scored it on, as `open_source` takes it; empty where it is of no run.
    """

    model: Tracker
    name: str
    provenance: dict[str, Any]
    accuracy: Accuracy | None = None
    latency: Latency | None = None
    train_data: str = "generated"
    images: str = ""
    precision: Precision = "fp32"
    data: str = ""

    def open_training_data(self) -> DataSource:
        """What it was distilled on.

        Raises:
            UsageError, FileError: it is not there any more.
        """
        return open_source(self.train_data, images=self.images, training=True)

    def at(self, spec: TrackerSpec) -> TrainedTracker:
        """The same weights at other thresholds; what was measured at their own is no longer true and left out.

        Args:
            spec: Of the same `weights_id`.
        """
        own = self.model.spec
        if spec == own:
            return self
        model = build(spec).eval()
        model.load_state_dict(self.model.state_dict())
        other = {**self.provenance, "weights_of": own.id}
        return replace(self, model=model, provenance=other, accuracy=None, latency=None)


def load_trained(run: str, variant: str | None) -> TrainedTracker:
    """A variant of the run directory `run`, or the named tracker `run` itself where `variant` is None.

    The variant `best`, or None of a run, is the most accurate one on the front.

    Raises:
        UsageError: unknown name or variant, or a run with an empty front.
        FileError: no run, or no weights, or weights that do not fit.
    """
    if Path(run).is_dir():
        return _variant_of(Path(run), variant or "best")
    if variant is None and (run in TRACKERS or not _is_path(run)):
        return TrainedTracker(load_tracker(run), run, {"teacher": run})
    if run in TRACKERS:
        raise UsageError(f"{run} is a teacher and has no variant {variant}. Leave --variant out, or name a run.")
    raise FileError(f"There is no run directory {run}. Give the folder that `compress search` wrote.")


def _variant_of(run: Path, variant: str) -> TrainedTracker:
    archive = read_archive(run)
    record = _best(archive) if variant == "best" else archive.variant(variant)
    variant = record.variant
    if archive.plan is not None and not record.is_teacher:
        raise FileError(
            f"{run} is a plan: nothing was trained, so {variant} has no weights. To train it: "
            f"{archive.plan.commands[-1] if archive.plan.commands else 'run `compress search --plan`'}"
        )
    teacher = str(archive.settings.get("teacher", ""))
    provenance = {"run": run.resolve().name, "variant": variant, "teacher": teacher, "fidelity": record.fidelity}
    path = run / "checkpoints" / record.weights_file
    if path.is_file():
        model = build(record.spec).eval()
        load_weights(model, path)
    elif record.is_teacher and teacher in TRACKERS:
        model = load_tracker(teacher, archive.settings.get("weights") or None)
        _check_unchanged(model, archive)
    else:
        raise FileError(
            f"{variant} has no weights at {path}: it is {record.status}"
            f"{' (' + record.reason + ')' if record.reason else ''}. Choose a variant of the front."
        )
    name, scored_on = f"{run.resolve().name}-{variant}", str(archive.settings.get("data") or "")
    data = [str(archive.settings.get(each) or "") for each in _TRAINING]
    precision = record.accuracy.precision if record.accuracy else "fp32"
    about = (record.accuracy, record.latency, data[0] or "generated", data[1], precision, scored_on)
    return TrainedTracker(model, name, provenance, *about)


def _check_unchanged(teacher: Tracker, archive: Archive) -> None:
    kept = archive.settings.get("fingerprints")
    if isinstance(kept, dict) and kept.get("weights") not in (None, weights_key(teacher)):
        raise FileError(
            f"The weights of the teacher of {archive.run_dir} have changed since the search: "
            f"{archive.settings.get('weights') or 'those that are shipped or imported'}. Put the others back, or "
            "search again with another --out."
        )


def _best(archive: Archive) -> Record:
    front = archive.front(archive.fidelity)
    if not front:
        raise UsageError(f"No variant of {archive.run_dir} meets the bound, so none is best. Name one with --variant.")
    return max(front, key=lambda record: record.ao or 0.0)


def _is_path(text: str) -> bool:
    return "/" in text or text.startswith(".")
