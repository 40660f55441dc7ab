"""What a fine-tuning works with: all that a run and the settings name, found to be there before anything begins."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from compress.archive import Archive, Record, read_archive, running_search
from compress.core import CompressError, FileError, UsageError, describe, warn
from compress.core.text import printable
from compress.data import DataSource, Split, open_source
from compress.data.recorded_source import RecordedSource
from compress.driver.finetuning.settings import FinetuneSettings
from compress.driver.jobs import TeacherWeights
from compress.driver.teacher import keep_teacher, load_kept_teacher
from compress.models import Tracker, build, load_tracker, load_weights, weights_key

_SPLITS: tuple[Split, ...] = ("search", "validation")


@dataclass(frozen=True)
class FinetuneInputs:
    """A run, one of its variants, and what that is trained and scored with.

    Attributes:
        parent, network: The variant as the run has it, and with its weights.
        teacher, teacher_weights: What it is distilled from, and the fingerprint of its weights.
        evaluation: What the run scores on.
        validation: What it is compared with its parent on, beside that; None where that is all there is.
        training: What it is distilled on.
    """

    archive: Archive
    parent: Record
    network: Tracker
    teacher: Tracker
    teacher_weights: str
    evaluation: DataSource
    validation: DataSource | None
    training: DataSource

    @property
    def run_dir(self) -> Path:
        """Where the run lies."""
        return self.archive.run_dir


def look_up(run_dir: Path, variant: str, settings: FinetuneSettings) -> FinetuneInputs:
    """Open what the run and the settings name, so that whatever is wrong with it is said before anything is trained.

    Raises:
        UsageError: an unknown variant or source, or a variant that cannot be trained on.
        FileError: a run, weights or data that are missing, damaged, or not those of the search.
        CompressError: a search runs there.
    """
    refuse_running(run_dir)
    archive = read_archive(run_dir)
    parent = archive.variant(variant)
    network = _trained(archive, parent)
    teacher, fingerprint = _teacher(archive, settings.weights)
    evaluation = _evaluation(archive)
    training = _training(archive, settings)
    if training.fingerprint == evaluation.fingerprint and isinstance(training, RecordedSource):
        warn(
            f"{training.name} is what {printable(run_dir)} scores on: trained on it, a variant looks better than it "
            "is. Give another --train-data."
        )
    validation = _validation(settings, evaluation)
    return FinetuneInputs(archive, parent, network, teacher, fingerprint, evaluation, validation, training)


def refuse_running(run_dir: Path) -> None:
    """Raises CompressError where a search runs in the run directory: what it has found is not final."""
    running = running_search(run_dir)
    if running is not None:
        raise CompressError(
            f"A search is running in {printable(run_dir)}: {running}. Fine-tune a variant once it has ended; stop it "
            "to do so now, and the same search command continues it later."
        )


def _trained(archive: Archive, parent: Record) -> Tracker:
    """The parent with its weights."""
    name, path = parent.variant, archive.run_dir / "checkpoints" / parent.weights_file
    if archive.plan is not None:
        raise FileError(f"{archive.run_dir} is a plan: nothing was trained, so {name} has no weights to go on from.")
    if parent.is_teacher:
        raise UsageError("The teacher is what variants are distilled from. Name one of them with --variant.")
    if path.is_file():
        model = build(parent.spec).eval()
        load_weights(model, path)
        return model
    if any(rung.get("steps") for rung in parent.rungs):
        raise FileError(f"The weights of {name} are gone: there is no {path}. Put the file back, or search again.")
    trained = [each.variant for each in _with_weights(archive)]
    choice = f"Choose one that was: {', '.join(trained[:12])}." if trained else "The search has trained none."
    why = f" ({parent.status}: {parent.reason})" if parent.reason else ""
    raise UsageError(f"{name} was never trained by itself{why}, so there are no weights to go on from. {choice}")


def _with_weights(archive: Archive) -> list[Record]:
    """Variants that can be fine-tuned, those of the front first."""
    front = archive.front(archive.fidelity)
    others = [each for each in (*archive.finetuned, *archive.records) if each not in front]
    return [each for each in (*front, *others) if (archive.run_dir / "checkpoints" / each.weights_file).is_file()]


def _teacher(archive: Archive, weights: str) -> tuple[Tracker, str]:
    """The teacher of the search, from the store or from its file, and the fingerprint of its weights."""
    settings = archive.settings
    name, wanted = str(settings.get("teacher", "")), _fingerprint(archive, "weights")
    spec = describe(name)
    if not weights:
        try:
            return load_kept_teacher(TeacherWeights(spec, wanted)), wanted
        except FileError:
            weights = settings.get("weights") or ""  # freed from the store, or never on this machine
    model = load_tracker(name, weights or None)
    if weights_key(model) != wanted:
        raise FileError(
            f"The students of {archive.run_dir} were distilled from other weights of {name} than "
            f"{weights or 'those shipped or imported'} hold. Give the same with --weights, or search with these."
        )
    keep_teacher(model)
    return model, wanted


def _evaluation(archive: Archive) -> DataSource:
    source = open_source(str(archive.settings.get("data") or "generated"))
    if source.fingerprint != _fingerprint(archive, "data"):
        raise FileError(
            f"{source.name} has changed since the search in {archive.run_dir}, which scored on it: a variant could not "
            "be compared with its parent. Put the data back, or search again with another --out."
        )
    return source


def _training(archive: Archive, settings: FinetuneSettings) -> DataSource:
    kept: dict[str, Any] = archive.settings
    if not (settings.train_data or kept.get("train_data")):
        warn(
            f"{printable(archive.run_dir)} does not note what its students were distilled on, as earlier versions did "
            "not. Generated pairs are assumed; --train-data names others."
        )
    name = settings.train_data or str(kept.get("train_data") or "generated")
    images = settings.images or ("" if settings.train_data else str(kept.get("images") or ""))
    return open_source(name, images=images, training=True)


def _fingerprint(archive: Archive, name: str) -> str:
    kept = archive.settings.get("fingerprints")
    found = kept.get(name) if isinstance(kept, dict) else None
    if not (isinstance(found, str) and found.isalnum() and found.isascii()):
        raise FileError(
            f"{archive.run_dir / 'config.yaml'} does not say what its search worked with ({name}), as earlier versions "
            "did not. Search again with another --out."
        )
    return found


def _validation(settings: FinetuneSettings, evaluation: DataSource) -> DataSource | None:
    """What the settings name; else what the run scores on, where that has sequences for it beside the search's."""
    if settings.data:
        return open_source(settings.data)
    names = [[each.name for each in evaluation.sequences(split)] for split in _SPLITS]
    return None if names[0] == names[1] else evaluation
