"""The tracker that `compress evaluate` is given, loaded."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from compress.cli.thresholds_option import at_thresholds

if TYPE_CHECKING:
    from compress.evaluate import EvaluatedTracker


def evaluated_tracker(
    tracker: str,
    weights: str | None,
    device: str,
    threads: int,
    update_interval: int | None,
    thresholds: str | None,
    keep: float | None,
) -> EvaluatedTracker:
    """A bundle's folder under onnxruntime; a named tracker or RUN:VARIANT under PyTorch.

    Raises:
        UsageError, FileError: it cannot be loaded, or is none that the other arguments go with.
    """
    from compress.core import UsageError
    from compress.evaluate import BundleTracker, TorchTracker
    from compress.geometry import LoopSettings

    if (Path(tracker) / "bundle.json").is_file():
        from compress.evaluate import BundleCascadeTracker
        from compress.runtime import CascadeBundle, open_any_bundle

        if keep is not None:
            raise UsageError(
                "--keep goes with a variant of a run: a bundle's graphs keep what they were exported with."
            )
        bundle = open_any_bundle(tracker)
        if isinstance(bundle, CascadeBundle):
            check_free(weights, update_interval, thresholds, keep)
            return BundleCascadeTracker(bundle, threads)
        spec = bundle.spec if thresholds is None else at_thresholds(bundle.spec, thresholds)
        own = update_interval is None
        settings = bundle.settings if own else LoopSettings.of(bundle.spec, update_interval=update_interval)
        return BundleTracker(bundle, spec, settings, threads)
    from compress.distill import pick_device
    from compress.export import TrainedTracker, load_trained
    from compress.models import load_tracker

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
    if keep is not None:
        source = source.at(source.model.spec.keeping(keep))
    settings = LoopSettings.of(source.model.spec, update_interval=update_interval)
    return TorchTracker(source.model, settings, str(pick_device(device)), threads)


def evaluated_cascade(run: str, path: Path, device: str, threads: int) -> EvaluatedTracker:
    """The cascade in a file, of variants of `run`, under PyTorch. Raises UsageError and FileError as `load_cascade`."""
    from compress.distill import pick_device
    from compress.evaluate import TorchCascade, TorchTracker
    from compress.export import load_cascade
    from compress.geometry import LoopSettings

    source, place = load_cascade(run, path), str(pick_device(device))
    fast, accurate = (
        TorchTracker(each.model, LoopSettings.of(each.model.spec), place, threads)
        for each in (source.fast, source.accurate)
    )
    return TorchCascade(fast, accurate, source.threshold)


def check_free(weights: str | None, update_interval: int | None, thresholds: str | None, keep: float | None) -> None:
    """Raise UsageError where options are given that a cascade has no use for."""
    from compress.core import UsageError

    if any(each is not None for each in (weights, update_interval, thresholds, keep)):
        raise UsageError(
            "A cascade comes with its weights and threshold. Leave --weights, --update-interval, --thresholds and "
            "--keep out."
        )
